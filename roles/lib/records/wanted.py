"""A record set that we want, in DNS's own notation."""

import re
from dataclasses import dataclass

from dns.rdata import from_text
from dns.rdataclass import IN
from dns.rdatatype import TXT as TXT_TYPE
from dns.rdtypes.txtbase import TXTBase

LONGEST_STRING = 255  # octets in one character-string of a TXT record (RFC 1035, 3.3.14)


@dataclass(frozen=True)
class Wanted:
    """One record set.

    name: in full, without the dot at the end. values: as in a zone file, names with their dot.
    purpose: what fails without it, in words that follow the name and type.
    shared: the set may hold values of others. What begins with this version tag is ours; with an empty one
    nothing that stands there is known to be ours. None: the whole set is ours.
    elsewhere: it is for the owner of another zone to set, unless that zone is ours.
    """

    name: str
    kind: str
    values: tuple[str, ...]
    purpose: str
    shared: str | None = None
    elsewhere: bool = False

    def owns(self, value: str) -> bool:
        """Whether a value (zone file notation) that stands in the set is ours to replace."""
        if self.shared is None:
            return True
        return self.kind == "TXT" and bool(self.shared) and has_tag(text_of(value), self.shared)


def txt(text: str) -> str:
    """`text` as the value of a TXT record: cut into strings of at most 255 octets, and quoted.

    ValueError for what is not printable ASCII; no record of ours needs more.
    """
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"{text!r}: not printable ASCII")
    octets = text.encode()
    parts = [octets[at : at + LONGEST_STRING] for at in range(0, len(octets), LONGEST_STRING)]
    return TXTBase(IN, TXT_TYPE, parts or [b""]).to_text()


def text_of(value: str) -> str:
    """The text of a TXT value, its strings joined without a space (RFC 7208, 3.3; RFC 6376, 3.6.2.2)."""
    found = from_text(IN, TXT_TYPE, value)
    assert isinstance(found, TXTBase)
    return b"".join(found.strings).decode(errors="backslashreplace")


def has_tag(text: str, tag: str) -> bool:
    """Whether `text` begins with the version `tag`, alone or before a blank or a semicolon.

    RFC 7208, 4.5; RFC 7489, 6.4; RFC 8461, 3.1; RFC 8460, 3. A wrong case is meant as the same.
    """
    key, _, version = tag.partition("=")
    return bool(re.match(rf"\s*{key}\s*=\s*{re.escape(version)}(?=[\s;]|$)", text, re.IGNORECASE))
