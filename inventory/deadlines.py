"""The chain of deadlines: each is shorter than the one around it, or a slow part would cause duplicates.

Facts of 2020: the engine's timeout was longer than Postfix's, so every message waited for all of it.
"""

from itertools import pairwise
from typing import NamedTuple

from inventory.knob import Mistake, Settings, knob
from inventory.spam import Spam


class Deadlines(Settings):
    """How long each hop of the mail path may take for one message."""

    milter_seconds: int = knob(
        30,
        ge=2,
        says="Postfix's wait for the gate at the end of DATA (milter_content_timeout).",
        unit="seconds",
    )
    forwarder_seconds: int = knob(
        45,
        ge=3,
        says="The forwarder's total for one message, scan and re-injection included.",
        unit="seconds",
    )
    data_done_seconds: int = knob(
        60,
        ge=4,
        le=600,
        says="Postfix's wait for the forwarder's answer (smtp_data_done_timeout).",
        unit="seconds",
    )


class _Link(NamedTuple):
    """One deadline of the chain, and whether the inventory gives it (or leaves it at its default)."""

    key: tuple[str, ...]
    seconds: float
    given: bool


def _chain(spam: Spam, deadlines: Deadlines) -> list[_Link]:
    engine = max(spam.budgets, key=spam.budgets.__getitem__)
    budget_given = "budget_seconds" in getattr(spam, engine).model_fields_set
    return [
        _Link(("spam", engine, "budget_seconds"), spam.budgets[engine], budget_given),
        _Link(("spam", "total_seconds"), spam.total_seconds, "total_seconds" in spam.model_fields_set),
        *(
            _Link(("deadlines", name), getattr(deadlines, name), name in deadlines.model_fields_set)
            for name in ("milter_seconds", "forwarder_seconds", "data_done_seconds")
        ),
    ]


def not_nested(spam: Spam, deadlines: Deadlines) -> list[Mistake]:
    """The deadlines that are not shorter than the one around them, each laid at a key that is given."""
    mistakes = []
    for inner, outer in pairwise(_chain(spam, deadlines)):
        if inner.seconds < outer.seconds:
            continue
        at, other, rule = (inner, outer, "below") if inner.given else (outer, inner, "above")
        default = "" if other.given else ", the default"
        reason = (
            f"each deadline lies inside the one around it; allowed: a number {rule} "
            f"{'.'.join(other.key)} ({other.seconds:g} seconds{default})"
        )
        mistakes.append(Mistake(at.key, at.seconds, reason))
    return mistakes
