"""Kernel settings in force (sysctl.d(5)), whatever file or command has set them last."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest

SETTINGS = Path("/proc/sys")


def check(manifest: Manifest) -> Iterator[Finding]:
    """What differs from the manifest."""
    yield from judge(manifest, {name: _read(name) for name in manifest.kernel})


def _read(name: str) -> str | None:
    path = SETTINGS / name.translate(str.maketrans("./", "/."))
    return " ".join(path.read_text().split()) if path.exists() else None


def judge(manifest: Manifest, seen: Mapping[str, str | None]) -> Iterator[Finding]:
    """The differences between the manifest and the kernel."""
    for name, wanted in manifest.kernel.items():
        found = seen.get(name)
        if found != wanted:
            problem = f"{'no such setting' if found is None else found} instead of {wanted}"
            yield Finding(kind="kernel", name=name, problem=problem)
