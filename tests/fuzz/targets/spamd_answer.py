"""What spamd answers: a finite score and symbols, or an engine error, and nothing else."""

import math

from twinmx.spam.engine import EngineError
from twinmx.spam.spamassassin import _answer

SEEDS = (
    b"SPAMD/1.1 0 EX_OK\r\nContent-length: 12\r\nSpam: True ; 1000.0 / 5.0\r\n\r\nGTUBE,BAYES\r\n",
    b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; -1.2 / 5.0\r\n\r\n",
    b"SPAMD/1.0 76 Bad header line\r\n",
    b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; %b / 5.0\r\n\r\n" % (b"9" * 400),  # once the score was infinite
)
TOKENS = (b"SPAMD/1.1 0 EX_OK\r\n", b"Spam: ", b"True ; ", b" / 5.0", b"\r\n\r\n", b",")


def one_input(data: bytes) -> None:
    """Parse it."""
    try:
        answer = _answer(data)
    except EngineError:
        return
    assert math.isfinite(answer.score), answer
    assert all(answer.symbols)
