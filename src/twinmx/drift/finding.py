"""What is found, as data: printed, counted, and merged by the controller."""

from typing import Literal, get_args

from twinmx.program.settings import Table

Kind = Literal[
    "file",  # a managed file or directory: content, mode, owner, or it is missing
    "unmanaged",  # a file in a managed place that nobody has put there
    "package",  # missing, too old, held, or from nowhere
    "unit",  # its state, or a unit file or drop-in that is not ours
    "cron",  # an entry that neither we nor a package have put there
    "socket",  # who listens that should not, or does not
    "postfix",  # parameters and services in force
    "rspamd",  # settings in force
    "kernel",  # settings in force
    "firewall",  # rules in force
    "release",  # our own programs
    "login",  # who may become root
]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Finding(Table):
    """One thing that differs. `problem` is a clause that follows the name; no secret is in it."""

    kind: Kind
    name: str
    problem: str

    @property
    def key(self) -> str:
        """What `drift.allowed` of the inventory matches."""
        return f"{self.kind}:{self.name}"


class Report(Table):
    """What `twinmx-drift --json` prints. errors: kind → why it could not be looked at."""

    findings: list[Finding]
    allowed: list[Finding]
    errors: dict[str, str]

    @property
    def status(self) -> int:
        """The exit status: 0 none, 2 drift, 1 an error."""
        return 1 if self.errors else 2 if self.findings else 0
