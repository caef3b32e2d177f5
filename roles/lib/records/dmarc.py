"""DMARC: what receivers do with mail that claims to be from a served domain and is not (RFC 7489)."""

from collections.abc import Iterator
from urllib.parse import quote

from inventory.dns import Dmarc
from inventory.schema import Exchange
from roles.lib.records.wanted import Wanted, txt

TAG = "v=DMARC1"
SAFE = "@+=_~.-"  # everything else is percent-encoded; comma and ! must be (6.2)


def mailto(address: str) -> str:
    """The URI of a mail address (RFC 6068)."""
    return f"mailto:{quote(address, safe=SAFE)}"


def dmarc_text(dmarc: Dmarc) -> str:
    """The text at _dmarc; tags that say what is so anyway are left out (6.3)."""
    tags = [TAG, f"p={dmarc.policy}"]
    if dmarc.subdomains:
        tags.append(f"sp={dmarc.subdomains}")
    if dmarc.alignment == "strict":
        tags += ["adkim=s", "aspf=s"]
    if dmarc.reports:
        tags.append("rua=" + ",".join(mailto(address) for address in dmarc.reports))
    return "; ".join(tags)


def dmarc(exchange: Exchange) -> Iterator[Wanted]:
    """The policy of each served domain, and the consent of other domains that shall get reports (7.1)."""
    text = txt(dmarc_text(exchange.dns.dmarc))
    for domain in exchange.domains:
        why = "receivers do not know what to do with mail that forges the domain"
        yield Wanted(f"_dmarc.{domain}", "TXT", (text,), why, shared=TAG)
        for elsewhere in _elsewhere(domain, exchange.dns.dmarc):
            yield Wanted(
                f"{domain}._report._dmarc.{elsewhere}",
                "TXT",
                (txt(TAG),),
                f"no reports about {domain} are sent to {elsewhere}, which has not agreed to get them",
                shared=TAG,
                elsewhere=True,
            )


def _elsewhere(domain: str, dmarc: Dmarc) -> list[str]:
    """The domains of reports that are no relatives of `domain`."""
    found = dict.fromkeys(address.rpartition("@")[2].lower() for address in dmarc.reports)
    return [other for other in found if not _related(domain, other)]


def _related(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
