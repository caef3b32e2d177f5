"""What the controller prints between pyinfra's own lines."""

from rich.console import Console

console = Console()


def heading(text: str) -> None:
    """A line that starts a step."""
    console.rule(f"[bold]{text}", align="left")


def note(text: str) -> None:
    """A line about a step that has ended."""
    console.print(f"  {text}", markup=False)
