"""What a host shall be, as the last converge left it: a file that root alone reads."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from twinmx.drift.finding import Kind
from twinmx.program.settings import SettingsError, Table

MANIFEST = Path("/var/lib/twinmx/manifest.json")

State = dict[str, str]
"""kind (file, link or directory) with mode, user, group and sha256, or target."""

Scalar = bool | float | str


class Unit(Table):
    """Whether a unit has to be active, and enabled."""

    active: bool
    at_boot: bool


class Place(Table):
    """A directory, or a file, for what is managed or packaged; anything else there is a finding of `kind`."""

    path: str
    kind: Kind


class Instance(Table):
    """A Postfix instance. services: "name type" → the rest of its line in master.cf (master(5))."""

    parameters: dict[str, str]
    services: dict[str, str]


class Firewall(Table):
    """The rules in `file`, loaded, are those of `table` (family and name)."""

    file: str
    table: str


class Manifest(Table):
    """Everything that is compared.

    packages: name → lowest upstream version, or none. sockets: "tcp ADDRESS:PORT", where * is any address.
    ignored: patterns of the system's sockets, each with its user. postfix: configuration directory →
    instance. rspamd: "section.key" → value.
    generated: patterns of files that packages write. logins: fingerprints of keys; None: not looked at.
    allowed: patterns of findings.
    """

    version: Literal[1] = 1
    files: dict[str, State]
    absent: list[str]
    packages: dict[str, str | None]
    units: dict[str, Unit]
    sockets: list[str]
    ignored: list[str]
    postfix: dict[str, Instance]
    rspamd: dict[str, Scalar]
    kernel: dict[str, str]
    firewall: Firewall | None
    places: list[Place]
    generated: list[str]
    logins: list[str] | None
    release: str
    allowed: list[str]


def load_manifest(path: Path) -> Manifest:
    """Read it; SettingsError says why it cannot be read, without its content."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; a converge writes it") from error
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the file"
        raise SettingsError(f"{path}: {where}: {fault['msg']}; a converge writes it anew") from None
