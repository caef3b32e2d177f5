"""The note of a drill that is under way, and the process that ends it in the place of one that has died."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from controller.drill.note import Note, note_of
from controller.drill.watchdog import watch
from controller.errors import ControllerError
from controller.pyinfra import ROOT
from tests.unit.controller.drill_world import NAME

AT_ONCE = 0.0
BEGINS = f"""
import signal, sys
from pathlib import Path
from controller.drill.note import Note
note = Note(Path(sys.argv[1]), [sys.executable, "-c", {{watchdog!r}}])
with note.claimed():
    note.write({NAME!r})
    with note.watched("inventory/lab.py", 600):
        {{first}}
        print("begun", flush=True)
        {{then}}
"""
TELLS = "import sys; sys.stdin.read(); print(*sys.argv[1:]); sys.stdout.flush()"
WAITS = "signal.pause()"


@pytest.fixture
def note(tmp_path: Path) -> Note:
    return Note(tmp_path / "drills" / "lab.json")


def beginner(note: Note, first: str = "", watchdog: str = TELLS) -> "subprocess.Popen[str]":
    """A process that has begun a drill."""
    program = BEGINS.format(watchdog=watchdog, first=first, then=WAITS)
    words = [sys.executable, "-c", program, str(note.path)]
    begun = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert begun.stdout
    assert begun.stdout.readline() == "begun\n"
    return begun


def log_of(note: Note) -> str:
    return note.path.with_suffix(".log").read_text()


def test_each_inventory_has_its_own() -> None:
    assert note_of("inventory/lab.py").path != note_of("inventory/yours.py").path


def test_it_says_what_is_under_way_until_it_is_cleared(note: Note) -> None:
    assert note.drill == ""
    with note.claimed():
        note.write(NAME)
        assert Note(note.path).drill == NAME
        note.clear()
    assert note.drill == ""


def test_who_comes_second_is_told_who_is_there(note: Note) -> None:
    with note.claimed():
        note.write(NAME)
        with pytest.raises(ControllerError, match=f"process {os.getpid()} here runs the drill {NAME}"):
            Note(note.path).claimed().__enter__()
    with Note(note.path).claimed():
        assert note.drill == NAME, "who has died leaves it"


def test_one_that_lives_is_told_to_end_and_waited_for(note: Note) -> None:
    ends = "signal.signal(signal.SIGTERM, lambda *_: (note.clear(), sys.exit()))"
    with beginner(note, ends) as begun:
        note.interrupt()
        assert begun.wait() == 0
    assert note.drill == ""


def test_where_nobody_is_there_nobody_is_told(note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(os, "kill", lambda *words: told.append(words[0]))
    note.interrupt()
    with note.claimed():
        note.write(NAME)

    note.interrupt()
    note.kill()

    assert told == [], "the number may be somebody else's by now"


def test_the_watchdog_hears_of_an_end_by_any_way(note: Note) -> None:
    log = f"inventory/lab.py {note.path} 600\n"
    for number in (signal.SIGKILL, signal.SIGHUP):
        with beginner(note) as begun:
            begun.send_signal(number)
        with note.claimed(waits=True):
            wait_for(note, log)


def wait_for(note: Note, log: str) -> None:
    while log_of(note) != log:
        select.select([], [], [], 0.01)


def test_it_is_no_child_of_the_terminal(note: Note) -> None:
    leads = "import os, sys; print(os.getpid() == os.getsid(0)); sys.stdout.flush(); sys.stdin.read()"
    with beginner(note, watchdog=leads) as begun:
        wait_for(note, "True\n")
        begun.kill()


# --- the watchdog ----------------------------------------------------------------------------------


class Pipe:
    """What the watchdog reads; `gone` closes it, as the death of the beginner does."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.file = os.fdopen(self._read, "rb")

    def gone(self) -> None:
        os.close(self._write)


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


def begun(note: Note) -> None:
    with note.claimed():
        note.write(NAME)


def test_a_drill_whose_beginner_has_died_is_ended(note: Note, pipe: Pipe) -> None:
    begun(note)
    pipe.gone()
    said: list[str] = []

    watch(note, pipe.file, 600, lambda: said.append(note.drill))

    assert said == [NAME], "and it stays noted until it is ended"
    assert note.drill == ""


def test_one_that_was_ended_is_left_alone(note: Note, pipe: Pipe) -> None:
    begun(note)
    with note.claimed():
        note.clear()
    pipe.gone()

    watch(note, pipe.file, 600, lambda: pytest.fail("there is nothing to end"))


def test_one_that_could_not_be_ended_stays_noted(note: Note, pipe: Pipe) -> None:
    def fail() -> None:
        raise ControllerError("no route")

    begun(note)
    pipe.gone()

    with pytest.raises(ControllerError):
        watch(note, pipe.file, 600, fail)

    assert note.drill == NAME


def test_a_beginner_that_hangs_is_killed_first(note: Note, pipe: Pipe) -> None:
    said: list[int | None] = []
    with beginner(note, "signal.signal(signal.SIGTERM, signal.SIG_IGN)") as hangs:
        watch(note, pipe.file, AT_ONCE, lambda: said.append(hangs.wait()))

    assert said == [-signal.SIGKILL]
    assert note.drill == ""


def test_who_has_ended_it_meanwhile_is_not_repeated(note: Note, pipe: Pipe) -> None:
    ends = "sys.stdin.readline(); note.clear()"
    program = BEGINS.format(watchdog=TELLS, first="", then=ends)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(note.path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as aborting:
        assert aborting.stdout
        assert aborting.stdin
        aborting.stdout.readline()
        pipe.gone()
        aborting.stdin.write("end it\n")
        aborting.stdin.flush()
        watch(note, pipe.file, 600, lambda: pytest.fail("there is nothing to end"))
