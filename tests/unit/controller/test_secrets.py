"""`twinmx secrets`, as an operator types it."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from controller import name_server
from controller.cli import app
from controller.dns import published
from controller.errors import ControllerError
from inventory.dkim import DkimPair
from inventory.schema import Exchange
from inventory.secret_source import SecretSource
from inventory.secrets import load_secrets
from tests.unit.inventory.files import Files, spoil
from tests.unit.roles.records.kept_zones import TOKEN

RECEIVERS = "monitors:\n  receivers: {oncall: {kind: pagerduty}}\n  routes: {all: {receivers: [oncall]}}\n"
Twinmx = Callable[..., Result]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """An inventory, ours.py beside its facts, whose secrets do not exist yet."""
    files = Files.write(tmp_path)
    files.secrets.unlink()
    (tmp_path / "ours.py").write_text(
        "from inventory.hosts import hosts_of\n"
        f"exchangers, databases, controller = hosts_of({str(files.facts)!r}, connection={{}})\n"
    )
    return files


@pytest.fixture
def twinmx(files: Files) -> Twinmx:
    def run(command: str, *more: str, answer: str = "") -> Result:
        inventory = str(files.facts.with_name("ours.py"))
        return CliRunner().invoke(app, ["secrets", command, inventory, *more], input=answer)

    return run


def content(files: Files) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(files.secrets.read_text())
    return read


def test_init_makes_what_the_inventory_needs_and_check_accepts_it(files: Files, twinmx: Twinmx) -> None:
    made = twinmx("init")

    assert made.exit_code == 0, made.output
    assert files.secrets.stat().st_mode & 0o777 == 0o600
    secrets = load_secrets(files.source)
    assert (len(secrets.tsig_keys), len(secrets.database_passwords)) == (1, 1)
    assert not [value for value in secrets.values if value in made.output]
    checked = twinmx("check")
    assert checked.exit_code == 0, checked.output
    assert "✓ srs_keys: 1" in checked.output
    assert not [value for value in secrets.values if value in checked.output]


def test_init_overwrites_nothing(files: Files, twinmx: Twinmx) -> None:
    files.secrets.write_text("mine")

    again = twinmx("init")

    assert again.exit_code == 1
    assert f"{files.secrets}: is there already, and is never overwritten" in again.output
    assert files.secrets.read_text() == "mine"


def test_init_draws_other_secrets_each_time(files: Files, twinmx: Twinmx) -> None:
    twinmx("init")
    first = load_secrets(files.source).values
    files.secrets.unlink()
    twinmx("init")

    assert not set(first) & set(load_secrets(files.source).values)


def test_what_a_receiver_needs_is_a_gap_that_is_refused_until_it_is_filled(
    files: Files, twinmx: Twinmx
) -> None:
    files.facts.write_text(files.facts.read_text() + RECEIVERS)

    made = twinmx("init")
    refused = twinmx("check")
    spoil(files.secrets, "'TO BE FILLED IN: the routing key'", "R0123456789")
    filled = twinmx("check")

    assert "to be filled in by you: receivers.oncall.secret" in made.output
    assert refused.exit_code == 1
    assert "receivers.oncall.secret: is still to be filled in" in refused.output
    assert filled.exit_code == 0, filled.output


def test_what_the_dns_provider_gives_out_is_a_gap_too(files: Files, twinmx: Twinmx) -> None:
    kept = "tests.unit.roles.records.kept_zones.KeptZones"
    provider = f"provider: {{python_class: {kept}, options: {{account: ours}}}}"
    spoil(files.facts, "server: 198.51.100.10", provider)

    made = twinmx("init")
    refused = twinmx("check")
    spoil(files.secrets, "'TO BE FILLED IN: by the DNS provider'", TOKEN)
    filled = twinmx("check")
    files.secrets.write_text(files.secrets.read_text().partition("dns_provider:")[0])
    lacking = twinmx("check")

    assert "to be filled in by you, or taken out: dns_provider.token" in made.output
    assert "tsig_keys" not in made.output
    assert (refused.exit_code, filled.exit_code, lacking.exit_code) == (1, 0, 1), filled.output
    assert "dns_provider.token: is still to be filled in" in refused.output
    assert "missing 1 required" in lacking.output
    assert f"secret ones stand under dns_provider in {files.secrets}" in lacking.output


def test_check_names_what_is_missing_and_what_is_malformed(files: Files, twinmx: Twinmx) -> None:
    twinmx("init")
    made = content(files)
    files.secrets.write_text(yaml.safe_dump({key: made[key] for key in made if key != "tsig_keys"}))
    lacking = twinmx("check")
    files.secrets.write_text(yaml.safe_dump(made | {"valkey_passwords": ["short-one"]}))
    malformed = twinmx("check")

    assert (lacking.exit_code, malformed.exit_code) == (1, 1)
    assert (
        f"{files.secrets}: tsig_keys: missing; allowed: the key for updates of dns.server" in lacking.output
    )
    assert "valkey_passwords entry 1: allowed: text of at least 16 characters" in malformed.output
    assert "short-one" not in malformed.output


def test_a_rotation_from_its_first_to_its_last_step(files: Files, twinmx: Twinmx) -> None:
    twinmx("init")
    (old,) = content(files)["valkey_passwords"]

    added = twinmx("rotate", "valkey_passwords")
    refused = twinmx("rotate", "valkey_passwords", answer="n\n")
    unchanged = content(files)["valkey_passwords"]
    promoted = twinmx("rotate", "valkey_passwords", answer="y\n")
    new = content(files)["valkey_passwords"][0]
    told = twinmx("check").output
    retired = twinmx("rotate", "valkey_passwords", "--yes")

    assert (added.exit_code, promoted.exit_code, retired.exit_code) == (0, 0, 0)
    assert "valkey_passwords: added. Next:" in added.output
    assert re.search(r"twinmx converge \S+ours\.py {4}# every host accepts the new one", added.output)
    assert "Have all hosts been converged since the step before" in refused.output
    assert (refused.exit_code, unchanged) == (1, [old, new])
    assert "✓ valkey_passwords: 2; promoted since" in told
    assert content(files)["valkey_passwords"] == [new]
    for output in (added.output, refused.output, promoted.output, retired.output, told):
        assert old not in output
        assert new not in output
    assert files.secrets.read_text().startswith("# The secrets of ")
    assert files.secrets.stat().st_mode & 0o777 == 0o600


def test_a_tsig_key_is_put_to_use_only_when_the_server_knows_it(
    files: Files, twinmx: Twinmx, monkeypatch: pytest.MonkeyPatch
) -> None:
    twinmx("init")
    added = twinmx("rotate", "tsig_keys")
    fresh = content(files)["tsig_keys"][-1]["name"]
    before = files.secrets.read_text()
    monkeypatch.setattr(name_server, "PATIENCE_SECONDS", 0.01)

    refused = twinmx("rotate", "tsig_keys")
    assert files.secrets.read_text() == before
    monkeypatch.setattr(name_server, "refuse_unknown", lambda *_: None)
    promoted = twinmx("rotate", "tsig_keys")

    assert f"give the key {fresh} to the name server, beside twinmx" in added.output
    assert refused.exit_code == 1
    assert f"cannot be asked about the key {fresh}" in refused.output
    assert promoted.exit_code == 0
    assert content(files)["tsig_keys"][0]["name"] == fresh
    assert "take twinmx from the name server" in promoted.output


def test_a_pair_of_dkim_keys_signs_only_when_resolvers_find_it(
    files: Files, twinmx: Twinmx, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_there(_: Exchange, pair: DkimPair) -> None:
        raise ControllerError(f"{pair.name}-rsa._domainkey.alias.example TXT does not exist")

    twinmx("init")
    added = twinmx("rotate", "dkim_keys")
    before, fresh = files.secrets.read_text(), content(files)["dkim_keys"][-1]["name"]
    too_early = twinmx("rotate", "dkim_keys")
    monkeypatch.setattr(published, "refuse_unpublished", not_there)
    refused = twinmx("rotate", "dkim_keys", "--early")
    assert files.secrets.read_text() == before
    monkeypatch.setattr(published, "refuse_unpublished", lambda *_: None)
    promoted = twinmx("rotate", "dkim_keys", "--early")
    told = twinmx("check").output
    retired = twinmx("rotate", "dkim_keys", "--early", "--yes")

    assert re.search(rf"twinmx dns apply \S+ours\.py {{4}}# publishes {fresh}; nothing signs", added.output)
    assert (too_early.exit_code, refused.exit_code) == (1, 1)
    assert "(dns.ttl); come back then, or go on now with --early" in too_early.output
    assert f"{fresh}-rsa._domainkey.alias.example TXT does not exist" in refused.output
    assert re.search(r"# from 20\d\d-\d\d-\d\d \d\d:\d\d UTC on: drops the old one", promoted.output)
    assert re.search(r"dkim_keys: 2; promoted since .*, to be retired from .* UTC on", told)
    assert [pair["name"] for pair in content(files)["dkim_keys"]] == [fresh]
    assert "remove k1-rsa._domainkey and k1-ed25519._domainkey of alias.example, masked" in retired.output


@pytest.mark.parametrize("given", ["{kind: environment, prefix: A_}", "{kind: command, command: [pass]}"])
@pytest.mark.parametrize("command", [["init"], ["rotate", "srs_keys"]])
def test_what_is_in_no_file_is_not_written_from_here(
    files: Files, twinmx: Twinmx, given: str, command: list[str]
) -> None:
    spoil(files.facts, f"{{kind: file, path: {files.secrets}}}", given)

    refused = twinmx(*command)

    assert refused.exit_code == 1
    assert "cannot be written from here; allowed: kind file, sops, age" in refused.output


@pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
@pytest.mark.parametrize("with_recipients", [False, True])
def test_secrets_in_age_are_made_and_rotated_without_plain_text_on_disk(
    files: Files, twinmx: Twinmx, tmp_path: Path, with_recipients: bool
) -> None:
    folder = tmp_path / "ours"
    identity, recipients, encrypted = tmp_path / "identity", tmp_path / "public", folder / "secrets.age"
    more = f", recipients: {recipients}" if with_recipients else ""
    given = f"{{kind: age, path: {encrypted}, identity: {identity}{more}}}"
    spoil(files.facts, f"{{kind: file, path: {files.secrets}}}", given)
    source = SecretSource(kind="age", path=str(encrypted), identity=str(identity))

    if not with_recipients:
        assert f"0700 {tmp_path} && age-keygen -o {identity}\n" in twinmx("init").output
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    recipients.write_bytes(subprocess.check_output(["age-keygen", "-y", identity]))
    made = twinmx("init")
    before = load_secrets(source)
    rotated = twinmx("rotate", "srs_keys")
    after = load_secrets(source)

    assert (made.exit_code, rotated.exit_code) == (0, 0), made.output + rotated.output
    assert (len(before.srs_keys), len(after.srs_keys)) == (1, 2)
    assert after.srs_keys[0] == before.srs_keys[0]
    assert [file.name for file in folder.iterdir()] == ["secrets.age"]
    assert encrypted.read_text().startswith("-----BEGIN AGE ENCRYPTED FILE-----")
    assert encrypted.stat().st_mode & 0o777 == 0o600


SOPS = """
case "$1" in
encrypt) printf 'sops: encrypted\\n' && sed 's/^/# /' "$8" ;;
decrypt) sed -n 's/^# //p' "$6" ;;
edit)
  clear=$(mktemp) && sed -n 's/^# //p' "$2" >"$clear" && $EDITOR "$clear" >/dev/null &&
  { printf 'sops: edited\\n'; sed 's/^/# /' "$clear"; } >"$2" && rm "$clear" ;;
esac
"""


def test_sops_keeps_its_recipients_by_its_own_edit(
    files: Files, twinmx: Twinmx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real one is not in Debian: this stands in for it, with the interface of 3.9."""
    encrypted = tmp_path / "secrets.sops.yml"
    spoil(files.facts, f"{{kind: file, path: {files.secrets}}}", f"{{kind: sops, path: {encrypted}}}")
    stub = tmp_path / "bin" / "sops"
    stub.parent.mkdir()
    stub.write_text(f"#!/bin/sh\necho $* >>{tmp_path}/asked{SOPS}")
    stub.chmod(0o700)
    monkeypatch.setenv("PATH", f"{stub.parent}:/usr/bin:/bin")

    made = twinmx("init")
    first = encrypted.read_text().splitlines()[0]
    rotated = twinmx("rotate", "srs_keys")

    assert (made.exit_code, rotated.exit_code) == (0, 0), made.output + rotated.output
    assert (first, encrypted.read_text().splitlines()[0]) == ("sops: encrypted", "sops: edited")
    assert len(load_secrets(SecretSource(kind="sops", path=str(encrypted))).srs_keys) == 2
    types = "--input-type yaml --output-type yaml"
    assert (tmp_path / "asked").read_text().splitlines() == [
        f"encrypt --filename-override {encrypted} {types} /dev/stdin",
        f"decrypt {types} {encrypted}",
        f"edit {encrypted}",
        f"decrypt {types} {encrypted}",
    ]
