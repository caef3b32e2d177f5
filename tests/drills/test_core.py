"""The core drills in their short form: the pair meets an incident as it is now, and all that must hold does.

Each is the command that an operator types, with its report in build/drills. Nothing else may use the pair
while these run.
"""

import subprocess
import sys

import pytest

from drills import all_drills
from drills.lib.record import Record
from lab.settings import ROOT

pytestmark = pytest.mark.changes

CORE = [name for name, drill in all_drills().items() if drill.core]
COMMAND = (sys.executable, "-m", "drills", "run")
OPTIONS = ("--variant", "now", "--short")


@pytest.mark.parametrize("name", CORE)
def test_what_must_hold_does(name: str) -> None:
    folder = ROOT / "build" / "drills" / name
    before = set(folder.glob("*-now.json"))

    done = subprocess.run(
        [*COMMAND, name, *OPTIONS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    print(done.stdout)
    assert done.returncode == 0
    (written,) = set(folder.glob("*-now.json")) - before
    record = Record.load_from(written)
    assert record.short
    assert record.well, [check for check in record.checks if not check.holds]
