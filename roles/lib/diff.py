"""Show how a host's files differ from what they shall be, without showing a secret."""

import difflib
from collections.abc import Sequence

from pyinfra import logger
from pyinfra.context import host, state
from pyinfra.facts.files import FileContents

from roles.lib.managed import Managed


def _lines_of(path: str) -> list[str]:
    return list(host.get_fact(FileContents, path=path) or [])


def _difference(file: Managed) -> list[str]:
    content = getattr(file, "content", None)
    if getattr(file, "secret", False):
        return [f"~ {file.path}: a secret, not shown"]
    if not isinstance(content, str):
        return [f"~ {file.path}"]
    old = _lines_of(file.path)
    return list(difflib.unified_diff(old, content.splitlines(), file.path, file.path, lineterm=""))


def show_differences(changed: Sequence[Managed], surplus: Sequence[str]) -> None:
    """Log unified diffs for `changed` and a line for each path in `surplus`, where --diff asks for it."""
    if not state.config.DIFF:
        return
    for file in changed:
        for line in _difference(file):
            logger.info("%s%s", host.print_prefix, line)
    for path in surplus:
        logger.info("%s- %s: removed", host.print_prefix, path)
