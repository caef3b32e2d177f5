"""Secrets of a program: systemd credentials (systemd.exec(5), LoadCredential=), never part of settings."""

import os
from pathlib import Path

from twinmx.srs import MIN_KEY_LENGTH

KEYS = "srs-keys"
VALKEY = "valkey"


class CredentialError(Exception):
    """A secret cannot be used; the message never shows one."""


def load_keys() -> tuple[bytes, ...]:
    """Return the keys that sign senders, traces and verdicts, one a line, the signing one first.

    Raises `CredentialError` where $CREDENTIALS_DIRECTORY has no such file or a key is too short.
    """
    path, content = _read(KEYS)
    lines = content.splitlines()
    for number, line in enumerate(lines, start=1):
        if len(line) < MIN_KEY_LENGTH:
            raise CredentialError(f"{path}:{number}: a key has {MIN_KEY_LENGTH} characters or more")
    if not lines:
        raise CredentialError(f"{path}: there is no key")
    return tuple(lines)


def load_password(name: str) -> str:
    """Return the one line of the credential `name`; raises `CredentialError`."""
    path, content = _read(name)
    password = content.decode("utf-8", "replace").removesuffix("\n")
    if not password or "\n" in password:
        raise CredentialError(f"{path}: must be one line")
    return password


def _read(name: str) -> tuple[Path, bytes]:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise CredentialError(f"CREDENTIALS_DIRECTORY is not set: the unit needs LoadCredential={name}:…")
    path = Path(directory, name)
    try:
        return path, path.read_bytes()
    except OSError as error:
        raise CredentialError(f"{path}: {error.strerror}") from error
