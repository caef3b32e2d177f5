"""How much a recipient may receive, what a sender is told above that, and where it is counted."""

from collections.abc import Iterable
from typing import Literal

from pydantic import PositiveInt

from inventory.knob import Mistake, RefusalText, Settings, ShortName, knob


class Limit(Settings):
    """How many messages one recipient may receive in a sliding window."""

    count: PositiveInt = knob(le=1_000_000, says="Messages accepted within the window.", unit="messages")
    window_seconds: PositiveInt = knob(le=86_400, says="Length of the sliding window.", unit="seconds")


class RateLimits(Settings):
    """Limits per recipient, and what a sender is told above them."""

    alias: Limit = knob(Limit(count=10, window_seconds=60), says="For each alias on its own.")
    mailbox: Limit = knob(
        Limit(count=15, window_seconds=60), says="For all aliases together that lead to one mailbox."
    )
    answer: Literal[550, 450, 421] = knob(
        550,
        says="The SMTP answer above a limit. 550 refuses before the queue; 450 and 421 fill queues and exist "
        "only to replay the incident of June 2021 in a drill.",
    )
    text: RefusalText = knob(
        "5.2.1 This recipient receives too many messages, try again later",
        says="The text behind a 550 answer, with its enhanced status code.",
    )
    wait_seconds: float = knob(
        0.25,
        gt=0,
        le=5,
        says="How long a message waits for Valkey until its worker counts by itself; after one has, none "
        "waits until Valkey is back.",
        unit="seconds",
    )
    shared_on: ShortName | None = knob(
        None,
        says="The exchanger whose Valkey counts for all of them, over TLS; left out, each counts on its own.",
    )


def nobody_shares(limits: RateLimits, exchangers: Iterable[str]) -> list[Mistake]:
    """The mistake where `shared_on` is no exchanger."""
    names = list(exchangers)
    if limits.shared_on is None or limits.shared_on in names:
        return []
    reason = f"is no exchanger; allowed: {' or '.join(names)}, or nothing"
    return [Mistake(("rate_limits", "shared_on"), limits.shared_on, reason)]
