"""Checkouts with a change in them, good or bad, as a release that an operator converges from another folder.

The lab's own state (keys, secrets, certificates) is the same; the wheels are built from the changed sources.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from controller.pyinfra import ROOT

CHECKOUTS = ROOT / "build" / "rolling" / "checkouts"
INVENTORY = "inventory/lab.py"
PARTS = (
    "controller",
    "drills",
    "inventory",
    "lab",
    "requirements",
    "roles",
    "src",
    "templates",
    "config.py",
    "deploy.py",
)
CONVERGE_SECONDS = 1800


@dataclass(frozen=True)
class Edit:
    """In `file`, `new` takes the place of the first `old`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Ran:
    """What a command of the controller came to."""

    status: int
    said: str


def checkout(name: str, *edits: Edit) -> Path:
    """A copy of this checkout with `edits`; raises ValueError where one does not fit any more."""
    folder = CHECKOUTS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for part in (*PARTS, "pyproject.toml"):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy2(source, folder / part)
    (folder / "build").mkdir()
    (folder / "build" / "lab").symlink_to(ROOT / "build" / "lab")
    for edit in edits:
        file = folder / edit.file
        text = file.read_text()
        if edit.old not in text:
            raise ValueError(f"{edit.file}: {edit.old!r} is no longer there: mend the drill")
        file.write_text(text.replace(edit.old, edit.new, 1))
    return folder


def twinmx(folder: Path, *words: str) -> Ran:
    """Run a command of the controller from a checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "controller", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=CONVERGE_SECONDS,
        check=False,
    )
    return Ran(done.returncode, done.stdout)
