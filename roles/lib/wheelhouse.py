"""Build, on the controller, everything a host needs to install our programs without a package index.

The version names what is inside: equal sources and equal pinned wheels give the same version, so a host
that has it is left alone, and two hosts with the same version run the same bytes.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pyinfra import logger

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / "build" / "wheelhouse"
LOCK = ROOT / "requirements" / "hosts.txt"
PYTHON = "3.13"  # of Debian 13
_one_at_a_time = threading.Lock()
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")


@dataclass(frozen=True)
class Wheelhouse:
    """The programs' wheel and its pinned dependencies; `archive` is a tar of them and of the lock file."""

    version: str

    @property
    def archive(self) -> Path:
        """Where the tar file is once it is built."""
        return BUILD / f"{self.version}.tar"

    def build(self) -> None:
        """Build the tar file at the first need, and keep it for the next host."""
        with _one_at_a_time:  # the first of several hosts builds, the others wait for it
            if not self.archive.exists():
                logger.info("--> Building the programs and collecting their wheels for Python %s", PYTHON)
                _build(self.archive)


def _sources() -> list[Path]:
    package = sorted(p for p in (ROOT / "src").rglob("*") if p.suffix in {".py", ".typed", ".j2", ".css"})
    return [ROOT / "pyproject.toml", LOCK, *package]


@cache
def wheelhouse() -> Wheelhouse:
    """The wheelhouse of this checkout; nothing is built until its archive is asked for."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return Wheelhouse(version=digest.hexdigest()[:12])


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _copy_of_sources(directory: Path) -> Path:
    """A tree of its own to build in: setuptools would pack what an earlier build left behind."""
    for source in _sources():
        copy = directory / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)
    return directory


def _build(path: Path) -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as scratch:
        wheels = Path(scratch, "wheels")
        sources = _copy_of_sources(Path(scratch, "sources"))
        platforms = [argument for name in PLATFORMS for argument in ("--platform", name)]
        pinned = ["--require-hashes", "--only-binary=:all:", "--python-version", PYTHON, "-r", str(LOCK)]
        _pip("download", "--no-deps", "-d", str(wheels), *platforms, *pinned)
        _pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(sources))
        unfinished = path.with_suffix(".partial")
        with tarfile.open(unfinished, "w") as archive:
            archive.add(LOCK, arcname="hosts.txt")
            for wheel in sorted(wheels.glob("*.whl")):
                archive.add(wheel, arcname=wheel.name)
        unfinished.replace(path)
