import base64
from pathlib import Path

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
    file.write_text("\n".join(line for line in file.read_text().splitlines() if "database" not in line))

    again = secrets.ensure(file)

    assert again.pop("database_password") != first.pop("database_password")
    assert again == first


def test_two_labs_share_no_secret(tmp_path: Path) -> None:
    one, other = secrets.ensure(tmp_path / "1.yml"), secrets.ensure(tmp_path / "2.yml")

    assert one["rspamd_password"] != other["rspamd_password"]
    assert one["valkey_password"] != other["valkey_password"]
    assert one["srs_keys"] != other["srs_keys"]
    assert one["tsig"]["secret"] != other["tsig"]["secret"]


def test_the_inventory_accepts_them(tmp_path: Path) -> None:
    drawn = secrets.ensure(tmp_path / "secrets.yml")

    loaded = load_secrets(tmp_path / "secrets.yml")

    assert loaded.tsig is not None
    assert loaded.tsig.name == drawn["tsig"]["name"]
    assert len(base64.b64decode(drawn["tsig"]["secret"])) == secrets.KEY_BYTES
