"""The transparency of DATA (RFC 5321 section 4.5.2) on bytes, with nothing else touched.

Only CRLF counts as the end of a line and only CRLF.CRLF ends the message. A bare CR or LF is a
character like any other, so no smuggled end (LF.LF, LF.CRLF, CRLF.LF, CR.CR …) cuts a message.
"""

_START = b"\r\n"
_END = b"\r\n.\r\n"


def stuff(message: bytes) -> bytes:
    """Return `message` as it goes over the wire after DATA, its end included.

    A message which does not end with CRLF gets one: SMTP has no way to send it without.
    """
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    if stuffed and not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + b".\r\n"


class DataReader:
    """Takes the bytes that follow DATA until the end, and gives the message back unstuffed.

    Past `limit` bytes of message the rest is read and dropped, so that the client hears the reply.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._wire_limit = limit * 4 // 3 + len(_START + _END)  # each stuffed line has 3 bytes or more
        self._buffer = bytearray(_START)
        self._searched = 0
        self._oversize = False

    def feed(self, chunk: bytes) -> bytes | None:
        """Take more bytes; return None while the end has not come, else what follows the end."""
        self._buffer += chunk
        end = self._buffer.find(_END, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(_END) + 1)
            if len(self._buffer) > self._wire_limit:
                self._oversize = True
                del self._buffer[: self._searched]
                self._searched = 0
            return None
        rest = bytes(self._buffer[end + len(_END) :])
        del self._buffer[end + len(_START) :]
        return rest

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return len(self._buffer)

    def drop(self) -> None:
        """Keep nothing of this message, and read on to its end."""
        self._oversize = True
        self._wire_limit = 0
        del self._buffer[: self._searched]
        self._searched = 0

    def message(self) -> bytes | None:
        """Return the message after its end was seen, or None where it was too large or dropped.

        The reader has it no longer then: a large one is in memory twice for as short as can be.
        """
        buffer, self._buffer = self._buffer, bytearray()
        if self._oversize:
            return None
        start = len(_START) + buffer.startswith(_START + b".")
        with memoryview(buffer) as whole:
            message = bytes(whole[start:])
        del buffer
        message = message.replace(b"\r\n.", b"\r\n")
        return message if len(message) <= self._limit else None
