"""The note on the controller that a drill is under way: who runs it, and who may end it in its place.

The file is locked (flock) for as long as that process lives, so its number is never somebody else's. An empty
file says that nothing is under way.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from controller.errors import ControllerError
from controller.pyinfra import ROOT

PLACE = ROOT / "build" / "drill"
LOOK_SECONDS = 0.2
ENDS_SECONDS = 900.0
"""For a process that is told to end its drill: the converges that takes, and some more."""

WATCHDOG = (sys.executable, "-m", "controller.drill.watchdog")


def note_of(inventory: str) -> "Note":
    """The note of the drills on an inventory."""
    return Note(PLACE / f"{inventory.replace('/', '-')}.json")


class Note:
    """The note in the file `path`; `watchdog` is the command of the process that takes over."""

    def __init__(self, path: Path, watchdog: Sequence[str] = WATCHDOG) -> None:
        self.path = path
        self._command = watchdog
        self._file: IO[str] | None = None

    @property
    def drill(self) -> str:
        """The drill that is under way, or was and could not be ended; empty for none."""
        return str(self._read().get("drill", ""))

    def _read(self) -> dict[str, object]:
        try:
            told: dict[str, object] = json.loads(self.path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return told

    @contextmanager
    def claimed(self, *, waits: bool = False) -> Iterator[None]:
        """Have it for oneself, at once or when who has it is gone; ControllerError with who has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            except BlockingIOError:
                told = self._read()
                raise ControllerError(
                    f"process {told.get('pid')} here runs the drill {told.get('drill')}; "
                    "it is ended by `bin/twinmx drill INVENTORY --abort`"
                ) from None
            self._file = file
            try:
                yield
            finally:
                self._file = None

    def write(self, drill: str) -> None:
        """Say that this process is about to begin, or to end, the drill."""
        self._put(json.dumps({"drill": drill, "pid": os.getpid(), "since": int(time.time())}))

    def clear(self) -> None:
        """Say that nothing is under way."""
        self._put("")

    def _put(self, text: str) -> None:
        assert self._file, "only who has claimed it writes"
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()

    @contextmanager
    def watched(self, inventory: str, seconds: float) -> Iterator[None]:
        """Have another process end the drill where this one dies, or ends without `clear`, or hangs.

        seconds: after so many it hangs.
        """
        arguments = [*self._command, inventory, str(self.path), f"{seconds:g}"]
        with self.path.with_suffix(".log").open("w") as log:
            process = subprocess.Popen(
                arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        yield
        if not self.drill:
            process.communicate()  # the end of its input is what it waits for

    def interrupt(self) -> None:
        """Tell the process that has claimed it, if any does, to end its drill, and wait until it is gone.

        ControllerError where it does not end.
        """
        deadline = time.monotonic() + ENDS_SECONDS
        told = False
        while self._is_claimed():
            if not told:
                self._signal(signal.SIGTERM)
                told = True
            if time.monotonic() >= deadline:
                raise ControllerError(
                    f"process {self._read().get('pid')} does not end its drill: kill it, and try again"
                )
            time.sleep(LOOK_SECONDS)

    def kill(self) -> None:
        """Kill the process that has claimed it, if any does."""
        if self._is_claimed():
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        pid = self._read().get("pid")
        if isinstance(pid, int):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _is_claimed(self) -> bool:
        if not self.path.exists():
            return False
        with self.path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False
