"""Write the secrets back to where the inventory keeps them; only files can be written.

A file is replaced as a whole and in one step. Plain text of an encrypted one exists in memory alone, but for
SOPS, which keeps its recipients by editing a file of its own in its own temporary directory.
"""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

import yaml

from controller.errors import ControllerError
from inventory.secret_reading import refuse_open, run
from inventory.secret_source import SecretSource

PRIVATE_DIRECTORY, PRIVATE = 0o700, 0o600
WRITABLE = ("file", "sops", "age")
AS_YAML = ("--input-type", "yaml", "--output-type", "yaml")


def dump(content: dict[str, object], comment: str = "") -> str:
    """The YAML of `content`, below `comment` (lines that begin with #)."""
    return comment + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def comment_of(text: str) -> str:
    """The lines above the first key: the one comment that outlives a change by program."""
    lines = text.splitlines(keepends=True)
    end = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[:end])


def refuse_unwritable(source: SecretSource) -> None:
    """Raise ControllerError where the secrets are in no file."""
    if source.kind not in WRITABLE:
        raise ControllerError(
            f"secrets_from is {source.name}, which cannot be written from here; allowed: kind "
            f"{', '.join(WRITABLE)}. For the others: docs/secrets.md"
        )


def create(source: SecretSource, text: str) -> Path:
    """Write the first content; ControllerError where there is a file already. Returns its path."""
    refuse_unwritable(source)
    path = path_of(source)
    refuse_existing(path)
    written = text if source.kind == "file" else _encrypted(source, text)
    path.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    except FileExistsError:
        refuse_existing(path)
        raise
    with os.fdopen(descriptor, "w") as stream:
        stream.write(written)
    return path


def refuse_existing(path: Path) -> None:
    """Raise ControllerError where there is something."""
    if os.path.lexists(path):
        raise ControllerError(
            f"{path}: is there already, and is never overwritten; twinmx secrets check reads it"
        )


def replace(source: SecretSource, text: str) -> None:
    """Put `text` in the place of what is there."""
    refuse_unwritable(source)
    path = path_of(source)
    if source.kind == "sops":
        # sops gives its editor its own standard input, and tee writes that to the file it is to edit
        run(source, ["sops", "edit", str(path)], text, {"EDITOR": "tee", "SOPS_EDITOR": "tee"})
        return
    written = text if source.kind == "file" else _encrypted(source, text)
    mode = path.stat().st_mode & 0o777
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
        fresh = Path(stream.name)
        stream.write(written)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.chmod(mode)
    fresh.replace(path)


def path_of(source: SecretSource) -> Path:
    """Where the file is."""
    return Path(source.path or "").expanduser()


def _encrypted(source: SecretSource, text: str) -> str:
    if source.kind == "sops":
        command = ["sops", "encrypt", "--filename-override", str(path_of(source)), *AS_YAML, "/dev/stdin"]
        return run(source, command, text)
    return run(source, ["age", "--encrypt", "--armor", *_recipients(source)], text)


def _recipients(source: SecretSource) -> list[str]:
    if source.recipients:
        return ["-R", str(Path(source.recipients).expanduser())]
    identity = Path(source.identity or "").expanduser()
    if not identity.exists():
        raise ControllerError(
            f"{identity}: no such identity; make it: "
            f"install -d -m 0700 {identity.parent} && age-keygen -o {identity}"
        )
    refuse_open(identity)
    keys = run(source, ["age-keygen", "-y", str(identity)]).split()
    return [word for key in keys for word in ("-r", key)]
