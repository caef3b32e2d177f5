"""The SRS keys: a systemd credential (systemd.exec(5), LoadCredential=), never part of the settings."""

import os
from pathlib import Path

from twinmx.srs import MIN_KEY_LENGTH

CREDENTIAL = "srs-keys"


class KeysError(Exception):
    """The keys cannot be used; the message never shows one."""


def load_srs_keys() -> tuple[bytes, ...]:
    """Return the keys, one a line, the signing one first.

    Raises `KeysError` where $CREDENTIALS_DIRECTORY has no such file or a key is too short.
    """
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise KeysError("CREDENTIALS_DIRECTORY is not set: the unit needs LoadCredential=srs-keys:…")
    path = Path(directory, CREDENTIAL)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if len(line) < MIN_KEY_LENGTH:
            raise KeysError(f"{path}:{number}: a key has {MIN_KEY_LENGTH} characters or more")
    if not lines:
        raise KeysError(f"{path}: there is no key")
    return tuple(lines)
