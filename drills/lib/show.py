"""Show how far a drill is: the phase, how long it still takes, and on a terminal a clock that moves."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape

from lab.progress import console, note, step

TICK_SECONDS = 0.5


class Show:
    """tells: a few words on the traffic so far, asked now and then."""

    def __init__(self, tells: Callable[[], str] = lambda: "") -> None:
        self._tells = tells

    def tell_of(self, tells: Callable[[], str]) -> None:
        """Have `tells` asked from now on."""
        self._tells = tells

    def say(self, text: str) -> None:
        """One line."""
        note(text)

    @contextmanager
    def phase(self, text: str) -> Iterator[None]:
        """Something that takes as long as it takes."""
        with step(escape(text)):
            yield

    def wait(self, text: str, seconds: float) -> None:
        """Let so much time pass: it is a part of the drill, not a guess at when something is done."""
        if seconds <= 0:
            return
        if not console.is_terminal:
            console.print(f"… {text}, {seconds:.0f} s")
        end = time.monotonic() + seconds
        with console.status(text) as status:
            while (left := end - time.monotonic()) > 0:
                status.update(f"{text}: {left:.0f} s left  {self._tells()}")
                time.sleep(min(TICK_SECONDS, left))
        console.print(f"[green]✓[/green] {text} [dim]{self._tells()}[/dim]")
