"""The programs of `twinmx.recovery` on a host, with whole files on their standard input and output."""

import json
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO, Any, BinaryIO

from controller.errors import ControllerError
from controller.pyinfra import ROOT
from controller.remote import Remote, ssh
from roles.release import CURRENT

PROGRAM = (f"{CURRENT}/bin/python", "-m", "twinmx.recovery")
OLDER = "No module named twinmx.recovery"
SECONDS = 3600.0
"""No file takes longer; a host that dies meanwhile is noticed by ssh itself."""


class OnHost:
    """`twinmx.recovery` on one host. Raises ControllerError with the program's own words where it fails."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.name = remote.name

    def ask(self, *words: str) -> Any:
        """What it prints, read as JSON."""
        answer = self.remote.try_(self._command(words), seconds=SECONDS)
        if answer.status:
            raise self._fault(answer.said, answer.status)
        return self._read(answer.output)

    def give(self, words: Sequence[str], target: BinaryIO) -> None:
        """Write what it prints to `target`."""
        self._run(words, subprocess.DEVNULL, target)

    def take(self, words: Sequence[str], source: BinaryIO) -> Any:
        """Give it a file; what it prints, read as JSON."""
        with tempfile.TemporaryFile() as said:
            self._run(words, source, said)
            said.seek(0)
            return self._read(said.read().decode())

    def _command(self, words: Sequence[str]) -> str:
        return shlex.join([*PROGRAM, *words])

    def _run(self, words: Sequence[str], source: BinaryIO | int, target: IO[bytes]) -> None:
        with tempfile.TemporaryFile() as errors:
            arguments = ssh(self.remote.data, self._command(words))
            try:
                done = subprocess.run(
                    arguments,
                    cwd=ROOT,
                    stdin=source,
                    stdout=target,
                    stderr=errors,
                    timeout=SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise ControllerError(f"{self.name}: no answer within {SECONDS:g} s") from None
            errors.seek(0)
            if done.returncode:
                raise self._fault(errors.read().decode(errors="replace").strip(), done.returncode)

    def _fault(self, said: str, status: int) -> ControllerError:
        old = "; its release knows no such thing: twinmx converge" if OLDER in said else ""
        return ControllerError(f"{self.name}: {said or f'exit status {status}'}{old}")

    def _read(self, said: str) -> Any:
        try:
            return json.loads(said)
        except ValueError:
            raise ControllerError(f"{self.name} says nothing that can be read: {said[:200]!r}") from None
