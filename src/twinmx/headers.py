"""Header work on bytes: our fields in front, forged ones out, everything else byte for byte.

Parsing a message into objects and writing it again changes signed headers and costs 1 to 4 ms; the
same work on bytes costs 0.02 ms and cannot touch what it does not look for (ADR 0005).

In SMTP a line ends with CRLF, and so does the header, at its first empty line. Some readers take a
bare CR or LF for the end of a line as well. A field is therefore found after any of the three, within
the longest header that a reader may see.
"""

import re
from collections.abc import Iterable
from functools import cache

_MAX_LINE = 998
_EOL = rb"(?:\r\n|\n|\r)"
_LINE_START = rb"(?<![^\r\n])"
_FIELD_BODY = rb"[^\r\n]*(?:" + _EOL + rb"[ \t][^\r\n]*)*(?P<end>" + _EOL + rb"|\Z)"
_NAME = re.compile(r"[!-9;-~]+")
_UNSAFE = re.compile(r"[\x00\r\n]")
_FOLD = re.compile(rb"(?:\r\n|\n|\r)[ \t]+")
_RECEIVED = re.compile(_LINE_START + rb"received[ \t]*:", re.IGNORECASE)


def field(name: str, *lines: str) -> bytes:
    """Return one header field with its CRLF; further `lines` become folded ones.

    Raises `ValueError` for a name that is none (RFC 5322 section 2.2), for NUL, CR or LF in a value,
    for an empty line and for one longer than 998 characters.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a header field name")
    for line in lines:
        if _UNSAFE.search(line):
            raise ValueError(f"{name}: NUL, CR or LF in the value {line!r}")
        if not line.strip():
            raise ValueError(f"{name}: an empty line in the value")
        if len(name) + len(line) > _MAX_LINE:
            raise ValueError(f"{name}: a line of {len(line)} characters, allowed are {_MAX_LINE}")
    value = "\r\n\t".join(lines)
    return f"{name}: {value}\r\n".encode()


def prepend(message: bytes, fields: Iterable[bytes]) -> bytes:
    """Put finished fields in front of the message."""
    return b"".join((*fields, message))


def strip(message: bytes, prefix: str) -> bytes:
    """Remove each field whose name begins with `prefix`, in any case, with its folded lines.

    A field that began after a bare CR or LF leaves the end of its line, or the lines of SMTP around it
    would become one and could move the end of the header.
    """
    header, body = _cut(message)
    if not _holds(header, prefix):
        return message
    return _field_pattern(prefix, rb"[!-9;-~]*").sub(_remains, header) + body


def values(message: bytes, name: str) -> list[bytes]:
    """Return the unfolded values of all fields with this name, from the top down."""
    header, _ = _cut(message)
    if not _holds(header, name):
        return []
    found = _field_pattern(name, b"").finditer(header)
    return [_FOLD.sub(b" ", match["value"]).strip() for match in found]


def count_received(message: bytes) -> int:
    """Return how many hops the header tells of (RFC 5321 section 6.3)."""
    return len(_RECEIVED.findall(_cut(message)[0]))


def _holds(header: bytes, name: str) -> bool:
    """Whether a field with this name may be there: cheaper to find out than where it is."""
    return name.lower().encode() in header.lower()


@cache
def _field_pattern(name: str, more: bytes) -> re.Pattern[bytes]:
    start = _LINE_START + re.escape(name.encode()) + more + rb"[ \t]*:"
    return re.compile(start + rb"(?P<value>" + _FIELD_BODY + rb")", re.IGNORECASE)


def _remains(match: re.Match[bytes]) -> bytes:
    before = match.string[max(0, match.start() - 2) : match.start()]
    return b"" if before in (b"", b"\r\n") else match["end"]


def _cut(message: bytes) -> tuple[bytes, bytes]:
    """Return header, with the CRLF of its last line, and the rest from the empty line on."""
    if message.startswith(b"\r\n"):
        return b"", message
    end = message.find(b"\r\n\r\n")
    return (message, b"") if end < 0 else (message[: end + 2], message[end + 2 :])
