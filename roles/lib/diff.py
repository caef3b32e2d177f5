"""How a host's files differ from what they shall be, without showing a secret."""

import difflib
from collections.abc import Mapping

from pyinfra.context import host, state
from pyinfra.facts.files import FileContents

from roles.lib.changes import FileChange
from roles.lib.managed import Managed, ManagedLink

Seen = Mapping[str, str] | None
ATTRIBUTES = ("mode", "user", "group")


def _lines_of(path: str) -> list[str]:
    return list(host.get_fact(FileContents, path=path) or [])


def _attributes(seen: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{name} {seen[name]} → {wanted[name]}"
        for name in ATTRIBUTES
        if name in seen and name in wanted and seen[name] != wanted[name]
    )


def change_of(file: Managed, seen: Seen) -> FileChange:
    """What putting `file` in place changes; `seen` is what stands there now.

    The content is compared where pyinfra's --diff asks for it: that takes a round trip for each file that
    exists. That of a secret is never read.
    """
    before, after = seen or {}, file.state
    note = ""
    diff: tuple[str, ...] = ()
    if isinstance(file, ManagedLink):
        note = f"{before.get('target', 'nothing')} → {file.target}"
    elif before.get("sha256") != after["sha256"]:
        if file.secret:
            note = "a secret, not shown"
        elif not isinstance(file.content, str):
            note = "no text, not shown"
        elif state.config.DIFF:
            old = _lines_of(file.path) if before.get("kind") == "file" else []
            diff = tuple(
                difflib.unified_diff(old, file.content.splitlines(), file.path, file.path, lineterm="")
            )
    return FileChange(
        path=file.path,
        action="change" if before else "create",
        attributes=_attributes(before, after),
        note=note,
        diff=diff,
    )


def removal_of(path: str) -> FileChange:
    """What removing `path` changes; what was in it is not shown, since nobody says whether it is a secret."""
    return FileChange(path=path, action="remove")
