"""Read what a role has rendered, the way the program that is configured by it does."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from roles.lib.managed import Managed, ManagedFile


def named(files: Iterable[Managed], name: str) -> ManagedFile:
    """The one file among `files` whose path ends with `name`."""
    found = [file for file in files if PurePosixPath(file.path).match(name)]
    assert len(found) == 1, f"{len(found)} files are called {name}"
    file = found[0]
    assert isinstance(file, ManagedFile)
    return file


def text(file: Managed) -> str:
    """The content of a text file."""
    assert isinstance(file, ManagedFile)
    return file.data.decode()


def parameters(main_cf: str) -> dict[str, str]:
    """The parameters of a main.cf (postconf(5)): comments dropped, continued lines joined."""
    found: dict[str, str] = {}
    name = ""
    for line in main_cf.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            found[name] += " " + line.strip()
            continue
        name, _, value = (part.strip() for part in line.partition("="))
        assert name not in found, f"{name} is set twice"
        found[name] = value
    return found


def services(master_cf: str) -> dict[str, str]:
    """The services of a master.cf (master(5)): "name type" → the rest of the logical line."""
    found: dict[str, str] = {}
    last = ""
    for line in master_cf.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            found[last] += " " + line.strip()
            continue
        name, kind, rest = line.split(maxsplit=2)
        last = f"{name} {kind}"
        found[last] = rest
    return found
