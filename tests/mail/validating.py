"""A receiver that validates signatures and seals, with dkimpy, which has nothing to do with Rspamd."""

import dkim
import dns.exception
import dns.resolver

from lab.settings import DNS_PORT, OUTSIDE

DKIM = b"dkim-signature"
SEAL = b"arc-seal"


def _published(name: bytes, timeout: int = 5) -> bytes | None:
    """The text at a name, as the lab's resolver has it; dkimpy asks for keys by it."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [str(OUTSIDE.address)], DNS_PORT
    resolver.lifetime = timeout
    try:
        (text,) = resolver.resolve(name.decode(), "TXT")
    except dns.exception.DNSException:
        return None
    return b"".join(text.strings)


def as_sent(content: bytes) -> bytes:
    """A message of a Maildir with the line ends of the wire."""
    return content.replace(b"\n", b"\r\n")


def _count(message: bytes, name: bytes) -> int:
    return sum(field.lower() == name for field, _ in dkim.DKIM(message).headers)


def signers(content: bytes) -> list[tuple[str, str, bool]]:
    """Domain, selector and whether it is valid, of each DKIM signature, from the top."""
    message, found = as_sent(content), []
    for number in range(_count(message, DKIM)):
        verifier = dkim.DKIM(message)
        good = verifier.verify(idx=number, dnsfunc=_published)
        fields = verifier.signature_fields
        found.append((fields[b"d"].decode(), fields[b"s"].decode(), good))
    return found


def sealed(content: bytes) -> tuple[str, int]:
    """What a validator makes of the chain (RFC 8617, 5.2), and how many seals it has."""
    message = as_sent(content)
    state, _, _ = dkim.ARC(message).verify(dnsfunc=_published)
    # dkimpy says nothing of a chain that a seal calls broken
    return (state or b"fail").decode(), _count(message, SEAL)
