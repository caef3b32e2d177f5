"""Files that a host's programs accept before they are put in place.

A set of files belongs to one program. It is compared with the host (no round trip), sent in one command
when anything differs, and checked by the program itself as a candidate. A refused candidate leaves the
files and the running service untouched, and the program's own message is the error.
"""

import json
import shlex
from collections.abc import Generator, Sequence
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import OperationMeta, operation

from roles.lib.diff import change_of, removal_of
from roles.lib.managed import Managed
from roles.lib.observed import ONHOST, announce, forget, observe
from roles.lib.telling import tell
from roles.lib.wanted import want


@operation()
def _checked_files(
    files: Sequence[Managed], absent: Sequence[str], check: str, roots: Sequence[str], label: str
) -> Generator[StringCommand, None, None]:
    seen = observe().files
    changed = [file for file in files if seen.get(file.path) != file.state]
    surplus = [path for path in absent if seen.get(path) is not None]
    if not changed and not surplus:
        return
    for file in changed:
        tell(change_of(file, seen.get(file.path)))
    for path in surplus:
        tell(removal_of(path))
    asked: dict[str, Any] = {
        "name": label,
        "files": {file.path: file.wire for file in files},
        "changed": [file.path for file in changed],
        "absent": list(absent),
        "check": check,
        "roots": list(roots),
    }
    program = shlex.quote((ONHOST / "apply_files.py").read_text())
    yield StringCommand(f"python3 -c {program}", _stdin=json.dumps(asked))
    forget()


def checked_files(
    name: str,
    files: Sequence[Managed],
    *,
    check: str = "",
    roots: Sequence[str] = (),
    absent: Sequence[str] = (),
) -> OperationMeta:
    """Put `files` in place and remove `absent`, if `check` accepts them.

    name: the program they belong to. check: a shell command, run with the candidate mounted over `roots`
    (the directories that hold the files); its exit status decides. $CANDIDATE is the candidate's root, for
    a checker that takes a path. Without a check the files are only replaced atomically.
    """
    announce(paths=[*(file.path for file in files), *absent])
    want(files=files, absent=absent)
    return _checked_files(
        files=files, absent=absent, check=check, roots=roots, label=name, name=f"{name}: files"
    )
