"""What a filter answers: finished packets."""

import re

from twinmx.milter.packets import packet

CONTINUE = packet(b"c")

_REPLY = re.compile(r"([45])\d\d \1\.\d{1,3}\.\d{1,3} [ -~]+")


def refuse(reply: str) -> bytes:
    """Return the SMTP reply `reply` (code, enhanced code of the same class, ASCII text) as the answer.

    Raises `ValueError` for another shape: a transfer agent would drop it and use one of its own.
    """
    if not _REPLY.fullmatch(reply):
        raise ValueError(f"{reply!r} is not a reply such as '550 5.7.1 no'")
    return packet(b"y", reply.replace("%", "%%").encode() + b"\0")  # it goes through a printf(3) there


def put_header(name: bytes, value: bytes) -> bytes:
    """Return the request to put a header field on top; only right before the answer to a message.

    The value is folded with LF and a blank or tab, without CR, as milters give it (RFC 5322 has CRLF).
    """
    at_top = b"\0\0\0\0"
    return packet(b"i", b"%b%b\0 %b\0" % (at_top, name, value))
