"""Managed places: a file there is ours, or a package's and as the package has brought it."""

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from twinmx.drift.asking import conffiles, owned
from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest, Place
from twinmx.drift.pattern import matches


def check(manifest: Manifest) -> Iterator[Finding]:
    """What is in a managed place and should not be, and what a package brought and somebody changed."""
    strange = {place.path: _not_managed(place, manifest) for place in manifest.places}
    everything = [path for paths in strange.values() for path in paths]
    links = {path: _target(path) for path in everything if Path(path).is_symlink()}
    packaged = owned([*everything, *links.values()])
    for place in manifest.places:
        found = strange[place.path]
        yield from judge(place, found, links, packaged | manifest.files.keys())
        yield from changed(place, packaged.intersection(found), conffiles())


def _not_managed(place: Place, manifest: Manifest) -> list[str]:
    return [
        path
        for path in files_below(Path(place.path))
        if path not in manifest.files and not any(matches(one, path) for one in manifest.generated)
    ]


def files_below(place: Path) -> list[str]:
    """All files and links at or below a path; links to directories are not followed."""
    found = [place, *place.rglob("*")] if place.is_dir() else [place]
    return sorted(str(path) for path in found if path.is_symlink() or path.is_file())


def _target(link: str) -> str:
    return os.path.normpath(Path(link).parent / Path(link).readlink())


def judge(
    place: Place, strange: Collection[str], links: Mapping[str, str], known: Collection[str]
) -> Iterator[Finding]:
    """What of `strange` is nobody's. links: where those that are links lead. known: managed, or packaged.

    A link to a unit of ours or of a package enables it, one to /dev/null masks it, and one to nothing is what
    a removed package leaves: none of them brings anything new.
    """
    for path in strange:
        if path in known:
            continue
        target = links.get(path)
        harmless = target in known or target == os.devnull or (target and not os.path.lexists(target))
        if place.kind == "unit" and target and harmless:
            continue
        yield Finding(kind=place.kind, name=path, problem="neither a role nor a package has put it there")


def changed(place: Place, packaged: Collection[str], brought: Mapping[str, str]) -> Iterator[Finding]:
    """brought: path → MD5 of what the package has brought."""
    for path in sorted(packaged):
        if path in brought and _md5(path) != brought[path]:
            yield Finding(kind=place.kind, name=path, problem="it is not as its package has brought it")


def _md5(path: str) -> str:
    return hashlib.md5(Path(path).read_bytes(), usedforsecurity=False).hexdigest()
