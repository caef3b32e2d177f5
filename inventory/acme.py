"""Who issues the exchangers' certificates, where that is an authority with ACME (RFC 8555)."""

from typing import Annotated

from pydantic import StringConstraints

from inventory.knob import FilePath, Form, Settings, knob
from inventory.receivers import MailAddress

Directory = Annotated[
    str,
    Form("the URL of an ACME directory, from https:// on"),
    StringConstraints(pattern=r"^https://[!-~]+$", max_length=500),
]


class Acme(Settings):
    """An authority that `twinmx certificates renew` orders from, by DNS-01 through `dns.server`."""

    directory: Directory = knob(says="Its directory, as the authority documents it.")
    contact: MailAddress | None = knob(None, says="Whom it tells of trouble with a certificate.")
    account_key: FilePath = knob(
        says="PEM file with the key of the account there; the first order draws it, with mode 0600."
    )
    authority: FilePath | None = knob(
        None, says="PEM file by which its own HTTPS is checked; left out, the controller's authorities."
    )
    renew_days: int = knob(
        30, ge=1, le=60, says="A certificate is renewed so long before its end.", unit="days"
    )
    propagation_seconds: float = knob(
        30,
        ge=0,
        le=3600,
        says="How long the other name servers of a zone may take to follow dns.server.",
        unit="seconds",
    )
