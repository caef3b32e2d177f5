"""The one fact of a converge: everything our operations compare with, fetched in a single round trip.

Roles announce the paths and units they manage while pyinfra prepares; the first operation that runs asks
the host for all of them at once. An operation that changes something forgets the answer, and the next
one that needs it asks again: a converge without changes costs one round trip per host.
"""

import json
import shlex
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pyinfra.api.facts import FactBase
from pyinfra.context import host, state

ONHOST = Path(__file__).parent / "onhost"


@dataclass(frozen=True)
class Observed:
    """What a host looked like when it was last asked.

    packages: name → installed version. files: path → kind, mode, user, group, sha256 or target, or
    None where nothing is there. units: unit → systemd properties. stamps: name → fingerprint with which
    a service was last converged. system: os, init, hostname, free disk, who listens on port 25,
    and ssh, the SSH_CONNECTION of the session.
    """

    packages: dict[str, str]
    files: dict[str, dict[str, str] | None]
    units: dict[str, dict[str, str]]
    stamps: dict[str, str]
    system: dict[str, str]


class HostState(FactBase[Observed | None]):
    """Asks a host for an `Observed`; None where the host could not answer (the host then fails)."""

    def command(self, paths: list[str], units: list[str]) -> str:
        """The command line: the observing program and what to look at."""
        program = (ONHOST / "observe.py").read_text()
        asked = json.dumps({"paths": paths, "units": units})
        return f"python3 -c {shlex.quote(program)} {shlex.quote(asked)}"

    def process(self, output: Iterable[str]) -> Observed:
        """Parse the single JSON line that the program prints."""
        return Observed(**json.loads("".join(output)))


_paths: dict[str, set[str]] = defaultdict(set)
_units: dict[str, set[str]] = defaultdict(set)


@dataclass(frozen=True)
class _Question:
    """What a host was asked about, and whether pyinfra was executing (a plan's answers are too old then)."""

    executing: bool
    paths: frozenset[str]
    units: frozenset[str]

    def covers(self, other: "_Question") -> bool:
        return self.executing == other.executing and self.paths >= other.paths and self.units >= other.units


_answers: dict[str, tuple[_Question, Observed]] = {}


def announce(*, paths: Iterable[str] = (), units: Iterable[str] = ()) -> None:
    """Say, while the deploy is prepared, what an operation on the current host will ask about."""
    _paths[host.name].update(paths)
    _units[host.name].update(units)


def observe() -> Observed:
    """The current host's state: the remembered answer, or a fresh one if something changed since."""
    question = _Question(state.is_executing, frozenset(_paths[host.name]), frozenset(_units[host.name]))
    known = _answers.get(host.name)
    if known and known[0].covers(question):
        return known[1]
    answer: Observed | None = host.get_fact(
        HostState, paths=sorted(question.paths), units=sorted(question.units)
    )
    if answer is None:  # pyinfra has said why, and has failed the host
        return Observed({}, dict.fromkeys(question.paths), {}, {}, {})
    _answers[host.name] = (question, answer)
    return answer


def forget() -> None:
    """Something on the current host was changed: ask again before the next comparison."""
    _answers.pop(host.name, None)
