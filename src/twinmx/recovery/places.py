"""Where a host keeps what is worth saving, and who owns it."""

import grp
import os
import pwd
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

BAYES_USER, RSPAMD_USER, PROMETHEUS_USER, OUR_USER, MAIL_USER = (
    "debian-spamd", "_rspamd", "prometheus", "twinmx", "postfix",
)  # fmt: skip
LONGEST_SECONDS = 600.0


class CommandError(Exception):
    """A program of the host failed; the message is its own."""


class Ran(NamedTuple):
    """What a program printed on its two outputs."""

    output: bytes
    errors: bytes


def run(words: Sequence[str], given: bytes = b"") -> Ran:
    """Run a program to its end; raises `CommandError` where it fails."""
    try:
        done = subprocess.run(words, input=given, capture_output=True, timeout=LONGEST_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"{words[0]}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise CommandError(f"{' '.join(words[:2])}: {said or f'exit status {done.returncode}'}")
    return Ran(done.stdout, done.stderr)


def chown(path: Path, user: str) -> None:
    """Give a file or directory to a user and the group of that name; raises `OSError`, `LookupError`.

    Never what a link leads to: the directory may be another user's, who puts links where root comes by.
    """
    try:
        ids = pwd.getpwnam(user).pw_uid, grp.getgrnam(user).gr_gid
    except KeyError:
        raise LookupError(f"there is no user {user!r} here: converge this host first") from None
    os.chown(path, *ids, follow_symlinks=False)


@dataclass(frozen=True)
class Places:
    """A host's directories, below `root`; `run` and `chown` do what needs the host itself."""

    root: Path = Path("/")
    run: Callable[..., Ran] = field(default=run)
    chown: Callable[[Path, str], None] = field(default=chown)

    @property
    def state(self) -> Path:
        """What our programs keep."""
        return self.root / "var/lib/twinmx"

    @property
    def quarantine(self) -> Path:
        """Spam that was found too late to be refused."""
        return self.state / "quarantine"

    @property
    def delivered(self) -> Path:
        """Which mailboxes have a message whose other mailboxes have not (twinmx.forwarder.delivered)."""
        return self.state / "delivered"

    @property
    def adopted(self) -> Path:
        """The journal of adopted messages."""
        return self.state / "adopted.jsonl"

    @property
    def overrides(self) -> Path:
        """What an operator said of single aliases on this host (twinmx.aliases.overrides)."""
        return self.state / "aliases/overrides.json"

    @property
    def bayes_home(self) -> Path:
        """The home of spamd's user, where SpamAssassin learns, if anybody has it learn."""
        return self.root / "var/lib/spamassassin"

    @property
    def rspamd(self) -> Path:
        """Where Rspamd learns, with a classifier whose backend is sqlite3."""
        return self.root / "var/lib/rspamd"

    @property
    def prometheus(self) -> Path:
        """Prometheus' blocks."""
        return self.root / "var/lib/prometheus/metrics2"

    @property
    def release(self) -> str:
        """The release of the programs that is in use."""
        current = self.root / "opt/twinmx/current"
        return current.resolve().name if current.exists() else "unknown"
