"""The lab's secrets, drawn once and kept in build/lab, which git ignores."""

import base64
import os
import secrets
from pathlib import Path
from typing import Any

import yaml

from lab.settings import STATE

FILE = STATE / "secrets.yml"
KEY_BYTES = 32


def _draw() -> dict[str, Any]:
    return {
        "rspamd_password": secrets.token_urlsafe(KEY_BYTES),
        "valkey_password": secrets.token_urlsafe(KEY_BYTES),
        "srs_keys": [secrets.token_urlsafe(KEY_BYTES)],
        "tsig": {
            "name": "twinmx",
            "algorithm": "hmac-sha256",
            "secret": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        },
    }


def ensure(file: Path = FILE) -> dict[str, Any]:
    """The secrets in `file`, drawn and written (mode 0600) if it is not there yet."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            yaml.safe_dump(_draw(), stream, sort_keys=False)
        fresh.replace(file)
    kept: dict[str, Any] = yaml.safe_load(file.read_text())
    return kept
