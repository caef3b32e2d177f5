"""Spam engines taken out for a time, by the same orders that an operator gives with `mxctl engine`."""

import time
from collections.abc import Collection, Mapping
from pathlib import Path

from twinmx.failover import clock
from twinmx.spam.overrides import Override, OverridesError, change, in_force, read

BY = "failover"
_TOLERANCE_SECONDS = 5.0


def ordered_by_others(path: Path) -> frozenset[str]:
    """The engines about which somebody else has ordered something; we leave those alone."""
    try:
        orders = in_force(read(path), time.time())
    except OverridesError:
        return frozenset()
    return frozenset(name for name, order in orders.items() if order.by != BY)


def apply(path: Path, bypassed: Mapping[str, float], engines: Collection[str]) -> None:
    """Have exactly `bypassed` (engine → end, CLOCK_BOOTTIME) skipped by our order; blocks.

    Orders of others stay. Raises `OSError`.
    """
    wanted = {
        name: clock.wall(until)
        for name, until in bypassed.items()
        if name in engines and name not in ordered_by_others(path)
    }
    if _same(path, wanted):
        return

    def edit(orders: dict[str, Override]) -> None:
        for name in [name for name, order in orders.items() if order.by == BY and name not in wanted]:
            del orders[name]
        for name, until in wanted.items():
            reason = "it does not answer well, and another engine does"
            orders[name] = Override(act="skip", since=time.time(), until=until, by=BY, reason=reason)

    change(path, edit)


def _same(path: Path, wanted: Mapping[str, float]) -> bool:
    try:
        orders = in_force(read(path), time.time())
    except OverridesError:
        return False
    ours = {name: order.until for name, order in orders.items() if order.by == BY}
    return ours.keys() == wanted.keys() and all(
        abs(ours[name] - until) < _TOLERANCE_SECONDS for name, until in wanted.items()
    )
