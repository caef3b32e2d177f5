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
    path, passwords = _lines(name)
    if len(passwords) != 1:
        raise CredentialError(f"{path}: must be one line")
    return passwords[0]


def load_passwords(name: str) -> tuple[str, ...]:
    """Return the lines of the credential `name`, the first to be tried first; raises `CredentialError`."""
    path, passwords = _lines(name)
    if not passwords or not all(passwords):
        raise CredentialError(f"{path}: must be one line or more, none of them empty")
    return passwords


def _lines(name: str) -> tuple[Path, tuple[str, ...]]:
    path, content = _read(name)
    text = content.decode("utf-8", "replace").removesuffix("\n")
    return path, tuple(text.split("\n")) if text else ()


def _read(name: str) -> tuple[Path, bytes]:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise CredentialError(f"CREDENTIALS_DIRECTORY is not set: the unit needs LoadCredential={name}:…")
    path = Path(directory, name)
    try:
        return path, path.read_bytes()
    except OSError as error:
        raise CredentialError(f"{path}: {error.strerror}") from error
