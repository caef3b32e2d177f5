"""Header surgery on a message of a stranger: the same as the slow reference, and the body untouched."""

from tests.fuzz import reference
from twinmx import headers

NAME = "X-Twinmx-Spam"
SEEDS = (
    b"From: a@b.example\r\nX-Twinmx-Spam: engine=x\r\n\tfolded\r\nTo: c\r\n\r\nbody\r\n",
    b"Received: a\nReceived: b\r\n c\r\n\r\nReceived: body",
    b"x-twinmx-spam-score : 1\rTo: a\n\nX-Twinmx-Spam: b",
    b"\r\nX-Twinmx-Spam: in the body\r\n",
)
TOKENS = (b"X-Twinmx-Spam", b"Received", b":", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\0")


def one_input(data: bytes) -> None:
    """Compare with the reference; look at what is left."""
    stripped = headers.strip(data, NAME)
    assert stripped == reference.strip(data, NAME), stripped
    assert headers.values(data, NAME) == reference.values(data, NAME)
    assert headers.count_received(data) == len(reference.values(data, "Received"))
    assert headers.prepend(data, (b"A: b\r\n",)).removeprefix(b"A: b\r\n") == data
    assert headers.strip(stripped, "X-Absent") == stripped
