"""The lab's secrets, drawn once and kept in build/lab, which git ignores."""

import base64
import os
import secrets
from pathlib import Path
from typing import Any

import yaml

from lab.settings import ALERTS_PORT, OUTSIDE, STATE

FILE = STATE / "secrets.yml"
KEY_BYTES = 32


def _draw() -> dict[str, Any]:
    return {
        "rspamd_password": secrets.token_urlsafe(KEY_BYTES),
        "valkey_password": secrets.token_urlsafe(KEY_BYTES),
        "database_password": secrets.token_urlsafe(KEY_BYTES),
        "srs_keys": [secrets.token_urlsafe(KEY_BYTES)],
        "tsig": {
            "name": "twinmx",
            "algorithm": "hmac-sha256",
            "secret": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        },
        "receivers": {"outside": {"secret": f"http://{OUTSIDE.address}:{ALERTS_PORT}/alerts"}},
    }


def ensure(file: Path = FILE) -> dict[str, Any]:
    """The secrets in `file` (mode 0600); those it does not have yet are drawn and written."""
    kept: dict[str, Any] = yaml.safe_load(file.read_text()) if file.exists() else {}
    all_of_them = _draw() | kept
    if all_of_them != kept:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            yaml.safe_dump(all_of_them, stream, sort_keys=False)
        fresh.replace(file)
    return all_of_them
