"""A verdict on a message: only one that we have sealed for this very message counts."""

from twinmx import headers
from twinmx.spam.verdict import HEADER, Scored, seal, unseal

KEY = b"k" * 32
QUEUE_ID = "4bXyZ"
VERDICT = Scored("rspamd", 20.5, ("GTUBE", "R_SPF_ALLOW"), 0.01)
SEALED = b": ".join(seal(VERDICT, 15.0, KEY, QUEUE_ID)).replace(b"\n", b"\r\n") + b"\r\n"
SEEDS = (
    SEALED + b"From: a@b.example\r\n\r\nbody\r\n",
    b"X-Twinmx-Spam: engine=none; reason=rspamd:late; seconds=0.1; mark=aaaaaaaa\r\n\r\n",
    b"X-Twinmx-Spam: engine=a; score=1; reject=15; seconds=nan; symbols=; mark=\r\n\r\n",
)
TOKENS = (b"X-Twinmx-Spam:", b"; mark=", b"engine=", b"score=", b"seconds=", b"symbols=", b"\r\n", b"\r\n\t")


def one_input(data: bytes) -> None:
    """`data` says nothing that we have not sealed, and changes nothing of what is sealed above it."""
    copies = sum(_plain(value) == OURS for value in headers.values(data, HEADER))
    assert unseal(data, [KEY], QUEUE_ID) is None or copies == 1
    assert unseal(data, [b"o" * 32], QUEUE_ID) is None
    assert unseal(data, [KEY], "another") is None
    if not data.startswith((b" ", b"\t")):  # such a line would belong to the field above
        below = unseal(headers.prepend(data, [SEALED]), [KEY], QUEUE_ID)
        assert below == VERDICT or (copies and below is None)


def _plain(value: bytes) -> str:
    """Blanks and case do not count (see `twinmx.keyed_hash`)."""
    return "".join(value.decode("ascii", "replace").split()).lower()


OURS = _plain(SEALED.partition(b":")[2])
