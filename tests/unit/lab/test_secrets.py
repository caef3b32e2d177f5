import base64
from pathlib import Path

import yaml

from inventory.secret_drawing import KEY_BYTES
from inventory.secret_source import SecretSource
from inventory.secrets import load_secrets
from lab import secrets


def test_secrets_are_drawn_once(tmp_path: Path) -> None:
    file = tmp_path / "lab" / "secrets.yml"

    first = secrets.ensure(file)

    assert secrets.ensure(file) == first
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_is_new_joins_those_that_were_drawn(tmp_path: Path) -> None:
    file = tmp_path / "secrets.yml"
    first = secrets.ensure(file)
    older = {name: value for name, value in first.items() if name != "database_passwords"}
    file.write_text(yaml.safe_dump(older | {"database_password": "as it was called before"}))

    again = secrets.ensure(file)

    assert again.pop("database_passwords") != first.pop("database_passwords")
    assert again == first


def test_two_labs_share_no_secret(tmp_path: Path) -> None:
    one, other = secrets.ensure(tmp_path / "1.yml"), secrets.ensure(tmp_path / "2.yml")

    assert one["rspamd_password"] != other["rspamd_password"]
    assert one["valkey_passwords"] != other["valkey_passwords"]
    assert one["srs_keys"] != other["srs_keys"]
    assert one["tsig_keys"][0]["secret"] != other["tsig_keys"][0]["secret"]


def test_the_inventory_accepts_them(tmp_path: Path) -> None:
    drawn = secrets.ensure(tmp_path / "secrets.yml")

    loaded = load_secrets(SecretSource(kind="file", path=str(tmp_path / "secrets.yml")))

    assert loaded.tsig is not None
    assert loaded.tsig.name == drawn["tsig_keys"][0]["name"]
    assert len(base64.b64decode(drawn["tsig_keys"][0]["secret"])) == KEY_BYTES
