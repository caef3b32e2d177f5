"""What a server answers: whole replies or a protocol error, however the network cuts the bytes."""

from twinmx.smtp.envelope import Reply
from twinmx.smtp.replies import ProtocolError, ReplyReader

SEEDS = (
    b"\x03220 mx ESMTP\r\n250-mx\r\n250-PIPELINING\r\n250 SIZE 10\r\n",
    b"\x01550-5.1.1 no\r\n550 5.1.1 such\r\n354\r\n421 \xff\r\n",
)
TOKENS = (b"250-", b"250 ", b"5.1.1 ", b"\r\n", b"\n", b"421")


def _replies(data: bytes, step: int) -> list[Reply] | None:
    reader = ReplyReader()
    replies: list[Reply] = []
    try:
        for start in range(0, len(data), step):
            replies += reader.feed(data[start : start + step])
    except ProtocolError:
        return None
    return replies


def one_input(data: bytes) -> None:
    """The first byte says into how large pieces the network cuts the rest."""
    step, wire = (data[0] % 16 + 1, data[1:]) if data else (1, b"")
    replies = _replies(wire, step)
    assert replies == _replies(wire, max(1, len(wire))), "it depends on the pieces"
    for reply in replies or ():
        assert 200 <= reply.code < 600
        line = reply.encode()
        assert line.endswith(b"\r\n")
        assert line.isascii()
        assert line.count(b"\n") == 1
