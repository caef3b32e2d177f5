"""Run a shell command in the checkout, as an operator would, and leave nothing running of one broken off."""

import os
import signal
import subprocess
from contextlib import suppress

from lab.settings import ROOT


def shell(command: str, seconds: float) -> tuple[int, str]:
    """Its exit status, and what it printed on either output; it is given nothing to read.

    Raises subprocess.TimeoutExpired after `seconds`. Whatever breaks it off, an interrupt too, kills all that
    it has started: a converge that goes on by itself would undo the recovery.
    """
    arguments = ["sh", "-ec", command]
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=seconds)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, printed
