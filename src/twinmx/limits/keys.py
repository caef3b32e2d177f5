"""What a message is counted under."""

from typing import Literal, NamedTuple

Over = Literal["alias", "mailbox"]


class Keys(NamedTuple):
    """The recipient's address and the mailboxes behind it, each once; `bounce` has a window of its own."""

    alias: str
    mailboxes: tuple[str, ...]
    bounce: bool = False

    @property
    def windows(self) -> list[str]:
        """The names of the windows in Valkey, the alias's first."""
        return [
            f"twinmx:limits:{'bounce' if self.bounce else 'alias'}:{self.alias}",
            *(f"twinmx:limits:mailbox:{mailbox}" for mailbox in self.mailboxes),
        ]


def over(window: int) -> Over | None:
    """Which limit the `window`-th of `Keys.windows` stands for, counted from 1; None for 0."""
    if window == 0:
        return None
    return "alias" if window == 1 else "mailbox"
