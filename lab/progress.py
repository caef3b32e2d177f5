"""Show what the lab is doing and how long each step took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(highlight=False)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce `text`, and say how many seconds the block took once it is done."""
    started = time.monotonic()
    if not console.is_terminal:
        console.print(f"… {text}")
    with console.status(text):
        yield
    console.print(f"[green]✓[/green] {text} [dim]({time.monotonic() - started:.1f} s)[/dim]")


def note(text: str) -> None:
    """One line about something that was decided."""
    console.print(f"[dim]  {text}[/dim]")
