"""Assembling replies from the bytes of a server (RFC 5321 section 4.2, RFC 2034)."""

import re

from twinmx.smtp.envelope import Reply

_MAX_PENDING = 65536
_LINE = re.compile(rb"([2-5][0-9]{2})([ -]|$)(.*)", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: (.*))?", re.DOTALL)


class ProtocolError(Exception):
    """What the server says is not SMTP."""


class ReplyReader:
    """Takes bytes, gives whole replies; the texts of a multi-line reply are joined by a line feed."""

    def __init__(self) -> None:
        self._pending = b""
        self._texts: list[str] = []

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that are complete now; raises `ProtocolError`."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        if len(self._pending) > _MAX_PENDING or len(self._texts) > _MAX_PENDING:
            raise ProtocolError("a reply without end")
        replies = []
        for line in lines:
            match = _LINE.fullmatch(line.rstrip(b"\r"))
            if match is None:
                raise ProtocolError(f"not a reply: {line[:80]!r}")
            self._texts.append(match[3].decode("utf-8", "replace"))
            if match[2] != b"-":
                replies.append(_reply(int(match[1]), self._texts))
                self._texts = []
        return replies


def _reply(code: int, texts: list[str]) -> Reply:
    enhanced = _ENHANCED.fullmatch(texts[0])
    if enhanced is None:
        return Reply(code, "", "\n".join(texts))
    prefix = f"{enhanced[1]} "
    return Reply(code, enhanced[1], "\n".join(text.removeprefix(prefix) for text in texts))
