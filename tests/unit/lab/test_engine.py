import subprocess
from pathlib import Path

import pytest

from lab.command import run
from lab.engine import is_gone
from lab.errors import LabError
from lab.waiting import until


def test_a_process_that_ended_is_gone_even_before_it_is_reaped() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        name = Path(f"/proc/{process.pid}/comm")
        assert not is_gone(name)
        process.stdin.close()
        until(lambda: is_gone(name), 5, "the end of cat")
    assert is_gone(name)


def test_a_failed_command_says_what_the_program_said() -> None:
    with pytest.raises(LabError, match=r"(?s)ended with 3:.*no such thing"):
        run(["sh", "-c", "echo no such thing >&2; exit 3"])


def test_a_missing_program_is_named() -> None:
    with pytest.raises(LabError, match="no-such-program is not installed"):
        run(["no-such-program"])


def test_a_command_that_does_not_end_is_ended() -> None:
    with pytest.raises(LabError, match="no end after"):
        run(["cat", "/dev/zero"], seconds=0.1)
