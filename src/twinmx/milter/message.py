"""A message as a milter is shown it, put together again as bytes, no more of it kept than is asked for."""

from twinmx.milter.packets import ProtocolError


class Collector:
    """Joins header fields and body; keeps the first `keep` bytes and counts all of them.

    Postfix gives the lines of a field with line feeds and those of the body with CRLF; here all have CRLF.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._parts: list[bytes] = []
        self._kept = 0
        self._in_body = False
        self.size = 0

    def header(self, data: bytes) -> None:
        """Take in a field: name, NUL, value with its leading blank, NUL; raises `ProtocolError`."""
        name, between, value = data.partition(b"\0")
        if not between or not value.endswith(b"\0"):
            raise ProtocolError("a header field without its end")
        self._add(b"%b:%b\r\n" % (name, value[:-1].replace(b"\n", b"\r\n")))

    def body(self, data: bytes) -> None:
        """Take in a piece of the body."""
        self._end_header()
        self._add(data)

    def content(self) -> bytes:
        """Return what is kept of the message."""
        self._end_header()
        return b"".join(self._parts)

    def _end_header(self) -> None:
        if not self._in_body:
            self._in_body = True
            self._add(b"\r\n")

    def _add(self, data: bytes) -> None:
        self.size += len(data)
        left = self._keep - self._kept
        if left > 0:
            self._parts.append(data if len(data) <= left else data[:left])
            self._kept += min(len(data), left)
