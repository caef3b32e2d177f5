"""What an alias is, and how faults in a list of aliases are reported."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alias:
    """One forwarding address.

    `address` and `mailboxes` are in folded case. `account` names the owner of several aliases, for
    limits and statistics; `enabled=False` keeps the address taken while mail to it is refused.
    `disabled_mailboxes`: those of the `mailboxes` that take no mail, sorted.
    """

    address: str
    mailboxes: tuple[str, ...]
    account: str | None = None
    enabled: bool = True
    disabled_mailboxes: tuple[str, ...] = ()

    @property
    def mailboxes_in_use(self) -> tuple[str, ...]:
        """Where mail goes; empty where every mailbox is disabled, and mail is refused."""
        if not self.disabled_mailboxes:
            return self.mailboxes
        return tuple(mailbox for mailbox in self.mailboxes if mailbox not in self.disabled_mailboxes)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one address at the source: its alias as it is now, or None where it is gone."""

    address: str
    alias: Alias | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in an alias file; `line` counts from 1."""

    line: int
    message: str


class AliasFileError(Exception):
    """An alias file with faults: all of them, in `problems`, each printed as `file:line: message`."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.name = name
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(f"{name}:{p.line}: {p.message}" for p in self.problems))
