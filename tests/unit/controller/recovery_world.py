"""Exchangers that are directories of this machine, for what is done with a host that is dying, or lost."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

import pytest

from controller.errors import ControllerError
from controller.lock import Lock
from controller.recovery import adopted, evacuated, onhost, saved
from controller.recovery.onhost import OnHost
from controller.remote import Answer, Remote
from tests.unit.twinmx.recovering import Host, program
from twinmx.quarantine import Quarantine

PROGRAM = "recovery"


@dataclass(frozen=True)
class FakeRemote(Remote):
    """A host below a directory; `commands` are answered by what they begin with, `ran` is what was asked."""

    host: Host = field(kw_only=True)
    commands: dict[str, Callable[[], str]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def try_(self, command: str, *, given: str = "", seconds: float = 0.0) -> Answer:
        if command.startswith(PROGRAM):
            status, output, errors = program(self.host, shlex.split(command)[1:])
            return Answer(status, output.decode(), errors)
        self.ran.append(command)
        for begin, answer in self.commands.items():
            if command.startswith(begin):
                return Answer(0, answer(), "")
        return Answer(0, "", "")


def remotes_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeRemote]:
    """mx1 and mx2; no lock is asked for."""
    made = {name: fake(tmp_path, name) for name in ("mx1", "mx2")}

    def run(host: OnHost, words: Sequence[str], source: BinaryIO | int, target: IO[bytes]) -> None:
        assert isinstance(host.remote, FakeRemote)
        given = None if isinstance(source, int) else source
        status, output, errors = program(host.remote.host, words, given)
        target.write(output)
        if status:
            raise ControllerError(f"{host.name}: {errors.strip()}")

    monkeypatch.setattr(onhost, "PROGRAM", (PROGRAM,))
    monkeypatch.setattr(OnHost, "_run", run)
    for module in (saved, adopted):
        monkeypatch.setattr(module, "Lock", lambda _: Lock([]))
    monkeypatch.setattr(evacuated, "lock_of", lambda *_: Lock([]))
    return made


def fake(tmp_path: Path, name: str) -> FakeRemote:
    return FakeRemote(name, {}, host=Host.make(tmp_path / name))


def quarantined(remote: FakeRemote) -> set[str]:
    return set(Quarantine(remote.host.places.quarantine).names())


def put_spam(remote: FakeRemote) -> str:
    return Quarantine(remote.host.places.quarantine).store(b"spam\r\n", {"sender": "a@b.example"}, "4ABC")
