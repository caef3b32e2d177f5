"""What the chain says about a message, and how the message carries it.

The mailbox gets a plain field (`render`). From the gate to the forwarder the field carries a keyed mark
over the queue id and everything it says (`seal`), because a field alone could come from anybody: what
bears no mark for this very message is as good as not there, and the message is scanned again.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from twinmx import headers
from twinmx.keyed_hash import is_ours, keyed_hash

HEADER = "X-Twinmx-Spam"

_PURPOSE = "verdict"
_MARK = "; mark="
_MAX_SYMBOLS = 60
_LINE_WIDTH = 72
_UNSAFE = re.compile(r"[^A-Za-z0-9_.:-]+")


@dataclass(frozen=True, slots=True)
class Scored:
    """An engine's answer: its score, its symbols, and the seconds from the question to the verdict.

    `partial` says that the message was too large and only its head was scanned.
    """

    engine: str
    score: float
    symbols: tuple[str, ...]
    seconds: float
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Unscanned:
    """No engine answered in time; `reason` says of each why."""

    reason: str
    seconds: float


Verdict = Scored | Unscanned


def is_spam(verdict: Verdict, reject_score: float) -> bool:
    """Whether an engine has given the message `reject_score` or more."""
    return isinstance(verdict, Scored) and verdict.score >= reject_score


def render(verdict: Verdict, reject_score: float) -> bytes:
    """Return the header field for `verdict`, folded, made of safe characters only."""
    return headers.field(HEADER, *_lines(verdict, reject_score))


def seal(verdict: Verdict, reject_score: float, key: bytes, queue_id: str) -> tuple[bytes, bytes]:
    """Return name and value of the field with our mark for this message.

    The value has no blank in front, and is folded with LF and a tab, as a milter gives it to its MTA.
    """
    lines = _lines(verdict, reject_score)
    lines[-1] += _MARK + keyed_hash(key, _PURPOSE, queue_id, _plain("".join(lines)))
    return HEADER.encode(), "\n\t".join(lines).encode()


def unseal(message: bytes, keys: Iterable[bytes], queue_id: str) -> Verdict | None:
    """Return the verdict that was sealed for the message with this queue id, made with one of `keys`.

    None where no field bears a valid mark, and where more than one does.
    """
    keys = tuple(keys)
    sealed = []
    for value in headers.values(message, HEADER):
        said, _, mark = _plain(value.decode("ascii", "replace")).rpartition(_plain(_MARK))
        if is_ours(mark, keys, _PURPOSE, queue_id, said):
            sealed.append(said)
    return _parse(sealed[0]) if len(sealed) == 1 else None


def read(value: bytes) -> Verdict | None:
    """Return what the field that `render` made says; None for another value. Anybody can write one."""
    return _parse(_plain(value.decode("ascii", "replace")))


def _lines(verdict: Verdict, reject_score: float) -> list[str]:
    if isinstance(verdict, Unscanned):
        parts = verdict.reason.split(",")
        reason = ",".join(_UNSAFE.sub("-", part) for part in parts)[:_LINE_WIDTH]
        return [f"engine=none; reason={reason}; seconds={verdict.seconds:.3f}"]
    partial = " partial=yes;" if verdict.partial else ""
    return [
        f"engine={_UNSAFE.sub('-', verdict.engine)}; score={verdict.score:.2f};"
        f" reject={reject_score:.1f}; seconds={verdict.seconds:.3f};{partial}",
        *_symbol_lines(verdict.symbols),
    ]


def _plain(text: str) -> str:
    """What is left when the folding, which others may change, is taken out."""
    return "".join(text.split())


def _parse(said: str) -> Verdict | None:
    pairs = dict(part.split("=", 1) for part in said.split(";") if "=" in part)
    try:
        if pairs["engine"] == "none":
            return Unscanned(pairs["reason"], float(pairs["seconds"]))
        return Scored(
            pairs["engine"],
            float(pairs["score"]),
            tuple(symbol for symbol in pairs["symbols"].split(",") if symbol),
            float(pairs["seconds"]),
            partial="partial" in pairs,
        )
    except (KeyError, ValueError):
        return None


def _symbol_lines(symbols: tuple[str, ...]) -> list[str]:
    lines = ["symbols="]
    safe = [_UNSAFE.sub("-", symbol)[:_LINE_WIDTH] for symbol in symbols[:_MAX_SYMBOLS]]
    for position, symbol in enumerate(safe):
        word = f"{symbol}," if position < len(safe) - 1 else symbol
        if len(lines[-1]) + len(word) > _LINE_WIDTH:
            lines.append(word)
        else:
            lines[-1] += word
    return lines
