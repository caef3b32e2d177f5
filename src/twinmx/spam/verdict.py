"""What the chain says about a message, and how the message carries it."""

import re
from dataclasses import dataclass

from twinmx import headers

HEADER = "X-Twinmx-Spam"

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


def render(verdict: Verdict, reject_score: float) -> bytes:
    """Return the header field for `verdict`, folded, made of safe characters only."""
    if isinstance(verdict, Unscanned):
        parts = verdict.reason.split(",")
        reason = ",".join(_UNSAFE.sub("-", part) for part in parts)[:_LINE_WIDTH]
        return headers.field(HEADER, f"engine=none; reason={reason}; seconds={verdict.seconds:.3f}")
    partial = " partial=yes;" if verdict.partial else ""
    return headers.field(
        HEADER,
        f"engine={_UNSAFE.sub('-', verdict.engine)}; score={verdict.score:.1f};"
        f" reject={reject_score:.1f}; seconds={verdict.seconds:.3f};{partial}",
        *_symbol_lines(verdict.symbols),
    )


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
