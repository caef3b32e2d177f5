"""The lab's secrets, drawn once and kept in build/lab, which git ignores."""

import os
from pathlib import Path
from typing import Any

import yaml

from inventory.dkim import new_pair
from inventory.secret_drawing import password, tsig
from inventory.secrets import Secrets
from lab.settings import ALERTS_PORT, OUTSIDE, STATE

FILE = STATE / "secrets.yml"


def _draw() -> dict[str, Any]:
    return {
        "rspamd_password": password(),
        "valkey_passwords": [password()],
        "database_passwords": [password()],
        "srs_keys": [password()],
        "tsig_keys": [tsig("twinmx")],
        "receivers": {"outside": {"secret": f"http://{OUTSIDE.address}:{ALERTS_PORT}/alerts"}},
    }


def ensure(file: Path = FILE) -> dict[str, Any]:
    """The secrets in `file` (mode 0600); those it does not have yet are drawn and written.

    What an older version of the lab called otherwise goes, as the inventory would refuse it.
    """
    found: dict[str, Any] = yaml.safe_load(file.read_text()) if file.exists() else {}
    all_of_them = _draw() | {name: value for name, value in found.items() if name in Secrets.model_fields}
    if "dkim_keys" not in all_of_them:  # drawing an RSA key takes a while
        all_of_them["dkim_keys"] = [new_pair("k1")]
    if all_of_them != found:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            yaml.safe_dump(all_of_them, stream, sort_keys=False)
        fresh.replace(file)
    return all_of_them
