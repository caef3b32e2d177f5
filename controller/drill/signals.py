"""Signals during a drill: the first one ends it, and those that come while it is being ended have to wait."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WAITS = b"\n  the drill is being ended; that has to be done first\n"


class Signals:
    """Each of ENDING raises KeyboardInterrupt in the main thread, once, until `allow`."""

    def __init__(self) -> None:
        self._held = False

    def hold(self) -> None:
        """From now on none interrupts."""
        self._held = True

    def allow(self) -> None:
        """From now on the next one interrupts again."""
        self._held = False

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _speak_to_nobody()
        if self._held:
            with suppress(OSError):
                os.write(2, WAITS)
            return
        self._held = True
        raise KeyboardInterrupt

    @contextmanager
    def taken(self) -> Iterator[Self]:
        """Take the signals, but those that are ignored, as by nohup(1); as they were before afterwards."""
        heard = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._take) for number in heard}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _speak_to_nobody() -> None:
    """The terminal is gone: what is printed must not fail."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(nothing, stream.fileno())  # type: ignore[union-attr]
    os.close(nothing)
