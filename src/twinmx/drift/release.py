"""Our own programs and what they import: as pip has installed them (RECORD, PEP 376 and PEP 427)."""

import csv
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from twinmx.drift.asking import CannotTellError
from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest

RUN = {".py", ".pth", ".so"}
"""What Python loads."""


def check(manifest: Manifest) -> Iterator[Finding]:
    """Files of the release in use that differ from what was installed, or were added."""
    found = sorted(Path(manifest.release).glob("lib/python3*/site-packages"))
    if not found:
        raise CannotTellError(f"{manifest.release}: there are no programs")
    for packages in found:
        yield from judge(packages)


def judge(packages: Path) -> Iterator[Finding]:
    """The differences between the records in a site-packages and its files."""
    recorded = dict(_recorded(packages))
    for path, digest in recorded.items():
        if digest and not path.is_file():
            yield Finding(kind="release", name=str(path), problem="it is missing")
        elif digest and _digest(path) != digest:
            yield Finding(kind="release", name=str(path), problem="its content differs")
    for path in sorted(packages.rglob("*")):
        if path.suffix in RUN and path not in recorded:
            yield Finding(kind="release", name=str(path), problem="no package has put it there")


def _recorded(packages: Path) -> Iterator[tuple[Path, str]]:
    for record in sorted(packages.glob("*.dist-info/RECORD")):
        with record.open(newline="") as rows:
            for name, digest, _ in csv.reader(rows):
                yield Path(_normal(packages, name)), digest


def _normal(packages: Path, name: str) -> str:
    path = packages
    for part in Path(name).parts:
        path = path.parent if part == ".." else path / part
    return str(path)


def _digest(path: Path) -> str:
    return f"sha256={urlsafe_b64encode(sha256(path.read_bytes()).digest()).decode().rstrip('=')}"
