"""A terminal that goes away, a pipe that nobody reads: a drill, a process of its own here, outlives both."""

import signal
import subprocess
import sys
from pathlib import Path

from controller.pyinfra import ROOT

PROGRAM = """
import os, signal, sys
from pathlib import Path
from controller.drill.saying import say
from controller.drill.signals import Signals
{before}
with Signals().taken() as signals:
    try:
        say("begun")
        {body}
    except KeyboardInterrupt:
        pass
    finally:
        signals.hold()
    {end}
    Path(sys.argv[1]).write_text("ended")
"""


def start(place: Path, body: str, *, before: str = "", end: str = "") -> "subprocess.Popen[bytes]":
    program = PROGRAM.format(before=before, body=body, end=end)
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", program, str(place)]
    begun = subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
    assert begun.stdout
    assert b"begun" in begun.stdout.readline()
    return begun


def test_a_terminal_that_goes_away_ends_it_and_nothing_that_is_printed_fails(tmp_path: Path) -> None:
    place = tmp_path / "end"
    end = "[print('it is being ended', file=file, flush=True) for file in (sys.stdout, sys.stderr)]"
    with start(place, "signal.pause()", end=end) as drill:
        assert drill.stdout
        assert drill.stderr
        drill.stdout.close()
        drill.stderr.close()
        drill.send_signal(signal.SIGHUP)
    assert place.read_text() == "ended"


def test_what_was_ignored_is_ignored_as_under_nohup(tmp_path: Path) -> None:
    place = tmp_path / "end"
    ignores = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    body = "os.kill(os.getpid(), signal.SIGHUP); say('still there')"
    with start(place, body, before=ignores) as drill:
        said, _ = drill.communicate()
    assert b"still there" in said
    assert place.read_text() == "ended"


def test_a_line_that_nobody_reads_ends_nothing(tmp_path: Path) -> None:
    place = tmp_path / "end"
    with start(place, "sys.stdin.readline(); say('a line'); say('another')") as drill:
        assert drill.stdout
        assert drill.stdin
        drill.stdout.close()
        drill.stdin.write(b"go on\n")
    assert place.read_text() == "ended"
