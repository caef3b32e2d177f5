"""Get the secrets out of where they are kept; nothing of what is read ever stands in a message."""

import os
import re
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel

from inventory.describe import ANY_NAME, bare, knobs
from inventory.load import InventoryError, parse_yaml
from inventory.secret_source import SecretSource

OTHERS = 0o077
INSTALL = {
    "age": "install it: apt-get install age",
    "age-keygen": "install it: apt-get install age",
    "sops": "install it, 3.9 or newer, from https://github.com/getsops/sops/releases (Debian has no package)",
}
LAST_LINES = 10
"""Of what a command said, as many are shown."""
LISTS = ("srs_keys", "valkey_passwords", "database_passwords")


def text_of(source: SecretSource) -> str:
    """The YAML of a source that is no environment; raises InventoryError, which never quotes it."""
    path = Path(source.path or "").expanduser()
    if source.kind == "file":
        refuse_open(path)
        return _decoded(source, path.read_bytes())
    if source.kind == "command":
        return run(source, source.command)
    if not path.is_file():
        raise InventoryError(f"{path}: no such file; make it: twinmx secrets init INVENTORY")
    if source.kind == "age":
        identity = Path(source.identity or "").expanduser()
        refuse_open(identity)
        return run(source, ["age", "--decrypt", "-i", str(identity), str(path)])
    return run(source, ["sops", "decrypt", "--input-type", "yaml", "--output-type", "yaml", str(path)])


def refuse_open(path: Path) -> None:
    """Raise InventoryError for a file that is missing or unreadable, or that others may read or write."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        with path.open("rb"):
            pass
    except OSError as error:
        raise InventoryError(
            f"{path}: cannot be read: {error.strerror}; it holds the secrets (docs/secrets.md; "
            "twinmx secrets init INVENTORY makes it, in the lab `make up`)"
        ) from None
    if mode & OTHERS:
        raise InventoryError(
            f"{path}: others may use it, its mode is {mode:04o}; allowed: 0600 or less: chmod 600 {path}"
        )


def run(
    source: SecretSource,
    command: Sequence[str],
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What `command` prints, given `text` to read; InventoryError shows what it complained of, and no output.

    environment: variables beside the controller's own. There is no terminal to ask on but /dev/tty.
    """
    called = f"{source.name}: {command[0]}"
    try:
        done = subprocess.run(
            list(command),
            input=(text or "").encode(),
            capture_output=True,
            timeout=source.seconds,
            check=False,
            env={**os.environ, **(environment or {})},
        )
    except FileNotFoundError:
        hint = INSTALL.get(command[0], "allowed: one that is installed, by name or path")
        raise InventoryError(f"{called}: no such command; {hint}") from None
    except OSError as error:
        raise InventoryError(f"{called}: cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise InventoryError(
            f"{called}: no answer within {source.seconds} s (secrets_from.seconds); does it ask a question?"
        ) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").splitlines()[-LAST_LINES:]
        told = "".join(f"\n  {line}" for line in said) or " and said nothing"
        raise InventoryError(f"{called}: failed with exit status {done.returncode}:{told}")
    return _decoded(source, done.stdout)


def from_environment(source: SecretSource, model: type[BaseModel]) -> dict[str, Any]:
    """The secrets in the variables that begin with the source's prefix, in the shape of `model`.

    The rest of a name is the key in capital letters, with _ for each dot. A list is written with spaces
    between its entries, and a TSIG key as [ALGORITHM:]NAME:SECRET, as nsupdate(1) -y takes it. DKIM keys,
    which have lines, are written as YAML.
    Raises InventoryError where there is no such variable.
    """
    prefix = source.prefix or ""
    found = {name[len(prefix) :].lower(): os.environ[name] for name in os.environ if name.startswith(prefix)}
    if not found:
        raise InventoryError(f"{source.name}: no such variable is set; allowed: those of docs/secrets.md")
    content: dict[str, Any] = {}
    for name, written in found.items():
        *above, last = _key(name, model)
        within = content
        for part in above:
            within = within.setdefault(part, {})
        within[last] = _value(last, written, f"${prefix}{name.upper()}")
    return content


def _key(name: str, model: type[BaseModel]) -> list[str]:
    """The key that a variable sets; one that the model does not know stays as it is, and will be refused."""
    for key, field in knobs(model):
        pattern = "_".join("([a-z0-9]+)" if part == ANY_NAME else part for part in key)
        if get_origin(bare(field.annotation)[0]) is dict:
            pattern += "_(.+)"
        if match := re.fullmatch(pattern, name):
            names = iter(match.groups())
            return [next(names) if part == ANY_NAME else part for part in key] + list(names)
    return [name]


def _value(key: str, written: str, variable: str) -> object:
    if key == "tsig_keys":
        return [_tsig(one) for one in written.split()]
    if key == "dkim_keys":
        return parse_yaml(written, variable, holds="the DKIM keys", secret=True)[0]
    return written.split() if key in LISTS else written


def _tsig(written: str) -> dict[str, str]:
    parts = written.split(":")
    names = ("algorithm", "name", "secret")[-len(parts) :]
    return dict(zip(names, parts, strict=False))


def _decoded(source: SecretSource, text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise InventoryError(f"{source.name}: not UTF-8; allowed: YAML in UTF-8") from None
