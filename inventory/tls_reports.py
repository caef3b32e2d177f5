"""Whether we tell receivers how TLS with them went (RFC 8460), and as whom."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import StringConstraints

from inventory.knob import Form, Mistake, Settings, knob
from inventory.receivers import MailAddress

Organization = Annotated[
    str,
    Form("a name in printable ASCII, at most 100 characters"),
    StringConstraints(pattern=r"^[ -~]+$", max_length=100),
]


class TlsReports(Settings):
    """Daily reports to receivers that ask for them in DNS; each exchanger sends those of its own mail."""

    send: bool = knob(
        False,
        says="Collect how TLS with receivers goes, and send the reports, by mail or HTTPS as they ask. By "
        "mail they are signed, so the secrets need dkim_keys.",
    )
    organization: Organization | None = knob(
        None, says="Who reports, as receivers read it; left out, the first served domain."
    )
    contact: MailAddress | None = knob(
        None,
        says="Whom receivers may ask, and the sender of the mails: an alias in a served domain; left out, "
        "the postmaster of the first.",
    )


def foreign_contact(reports: TlsReports, domains: Sequence[str]) -> list[Mistake]:
    """The contact that is in no served domain: our signature could not be its."""
    contact = reports.contact
    if contact is None or contact.rpartition("@")[2].lower() in domains:
        return []
    reason = f"no address in a served domain, whose DKIM key signs; allowed: one in {', '.join(domains)}"
    return [Mistake(("contact",), contact, reason)]
