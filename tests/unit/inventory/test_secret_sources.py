"""Where secrets may be kept: what each kind needs, and what is told, and not told, of one that fails."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from inventory.dkim import new_pair
from inventory.hosts import exchange_of, hosts_of
from inventory.load import InventoryError, load_exchange
from inventory.secret_source import SecretSource
from inventory.secrets import GAP, Secrets, load_secrets
from tests.unit.inventory.files import SECRETS, Files, spoil

VALUES = ("correct-horse", "staple-of-many", "0123456789ab", "MDEyMzQ1Njc4")


def program(folder: Path, name: str, script: str) -> Path:
    """An executable `name` that stands in for a real one."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


def refusal(source: SecretSource) -> str:
    with pytest.raises(InventoryError) as refused:
        load_secrets(source)
    told = str(refused.value)
    assert not [value for value in VALUES if value in told + refused.value.message + repr(refused.value)]
    return told


BAD = {
    "no kind": ("{path: x}", "secrets_from.kind: missing; allowed: file, sops, age, environment or command"),
    "unknown kind": ("{kind: vault, path: x}", "secrets_from.kind: 'vault'; allowed: file, sops, age,"),
    "no path": ("{kind: sops}", "secrets_from.path: no value: missing; allowed: the file (kind is sops)"),
    "no identity": ("{kind: age, path: x}", "secrets_from.identity: no value: missing; allowed: age's ident"),
    "what another kind has": (
        "{kind: file, path: x, prefix: TWINMX_SECRET_}",
        "secrets_from.prefix: 'TWINMX_SECRET_': file has none; allowed: path",
    ),
    "a prefix that is none": (
        "{kind: environment, prefix: my-}",
        "secrets_from.prefix: 'my-'; allowed: the beginning of names of variables",
    ),
    "a command as one text": (
        "{kind: command, command: pass show x}",
        "secrets_from.command: 'pass show x'; allowed: a list, each: a word of a command line",
    ),
    "unknown key": ("{kind: file, path: x, file: y}", "secrets_from.file: no such key."),
}


@pytest.mark.parametrize(("given", "says"), BAD.values(), ids=BAD.keys())
def test_a_source_that_cannot_be_used_is_refused_with_its_line(files: Files, given: str, says: str) -> None:
    spoil(files.facts, f"{{kind: file, path: {files.secrets}}}", given)

    with pytest.raises(InventoryError) as refused:
        load_exchange(files.facts)

    assert any(says in line for line in str(refused.value).splitlines()), refused.value


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o604])
def test_a_file_that_others_may_use_is_refused_with_its_mode(files: Files, mode: int) -> None:
    files.secrets.chmod(mode)

    assert refusal(files.source) == (
        f"{files.secrets}: others may use it, its mode is {mode:04o}; allowed: 0600 or less: chmod 600 "
        f"{files.secrets}"
    )


def test_a_command_prints_them(files: Files) -> None:
    source = SecretSource(kind="command", command=("cat", str(files.secrets)))

    assert load_secrets(source) == load_secrets(files.source)


def test_what_a_command_complained_of_is_shown_and_what_it_printed_is_not(
    files: Files, tmp_path: Path
) -> None:
    script = program(tmp_path / "bin", "vault", f"cat {files.secrets}; echo 'permission denied' >&2; exit 2")

    told = refusal(SecretSource(kind="command", command=(str(script), "kv", "get")))

    assert told == (f"`{script} kv get`: {script}: failed with exit status 2:\n  permission denied")


def test_a_command_that_hangs_is_left_alone_after_its_seconds(files: Files, tmp_path: Path) -> None:
    script = program(tmp_path / "bin", "vault", f"cat {files.secrets}; exec sleep 60")

    told = refusal(SecretSource(kind="command", command=(str(script),), seconds=1))

    assert "no answer within 1 s (secrets_from.seconds)" in told


@pytest.fixture
def _typed() -> Iterator[None]:
    """Somebody has typed a line at the terminal, which is for what comes later."""
    ours = os.dup(0)
    reading, writing = os.pipe()
    os.write(writing, b"yes\n")
    os.dup2(reading, 0)
    yield
    os.dup2(ours, 0)
    for descriptor in (ours, reading, writing):
        os.close(descriptor)


@pytest.mark.usefixtures("_typed")
def test_a_command_has_nothing_to_read(files: Files, tmp_path: Path) -> None:
    script = program(tmp_path / "bin", "pass", f"read -r line || cat {files.secrets}")

    assert load_secrets(SecretSource(kind="command", command=(str(script),), seconds=5)).srs_keys


def test_malformed_yaml_of_a_command_names_the_command_and_the_key(files: Files) -> None:
    spoil(files.secrets, "[staple-of-many-words]", "[short]")

    told = refusal(SecretSource(kind="command", command=("cat", str(files.secrets))))

    assert told.startswith(f"`cat {files.secrets}`:2: valkey_passwords entry 1: allowed: text of at least 16")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"kind": "age", "identity": "IDENTITY"}, "age: no such command; install it: apt-get install age"),
        (
            {"kind": "sops"},
            "sops: no such command; install it, 3.9 or newer, from https://github.com/getsops",
        ),
    ],
)
def test_a_missing_program_is_told_with_what_to_install(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: dict[str, str], says: str
) -> None:
    identity = tmp_path / "identity"
    identity.touch(mode=0o600)
    monkeypatch.setenv("PATH", str(tmp_path))
    given = {"path": str(files.secrets)} | {
        key: value.replace("IDENTITY", str(identity)) for key, value in source.items()
    }

    assert f"{files.secrets}: {says}" in refusal(SecretSource.model_validate(given))


def test_sops_is_asked_for_yaml(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "sops", f'echo "$@" >{tmp_path}/asked; cat "$6"')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")

    assert load_secrets(SecretSource(kind="sops", path=str(files.secrets))).srs_keys
    assert (tmp_path / "asked").read_text() == (
        f"decrypt --input-type yaml --output-type yaml {files.secrets}\n"
    )


@pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
def test_age_decrypts_with_an_identity_that_nobody_else_may_read(files: Files, tmp_path: Path) -> None:
    identity, encrypted = tmp_path / "identity", tmp_path / "secrets.age"
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    public = subprocess.check_output(["age-keygen", "-y", identity], text=True).strip()
    subprocess.run(["age", "-r", public, "-o", encrypted, files.secrets], check=True)
    source = SecretSource(kind="age", path=str(encrypted), identity=str(identity))

    assert load_secrets(source) == load_secrets(files.source)
    identity.chmod(0o644)
    assert f"{identity}: others may use it, its mode is 0644" in refusal(source)


ENVIRONMENT = {
    "RSPAMD_PASSWORD": "correct-horse-battery",
    "VALKEY_PASSWORDS": "staple-of-many-words staple-of-other-words",
    "SRS_KEYS": "0123456789abcdefghijklmnopqrstuv\nzyxwvutsrqponmlkjihgfedcba543210",
    "TSIG_KEYS": "twinmx:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= "
    "hmac-sha512:next:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "RECEIVERS_ONCALL_SECRET": "0123456789abcdef",
}
FROM_ENVIRONMENT = SecretSource(kind="environment", prefix="TWINMX_SECRET_")


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(f"TWINMX_SECRET_{name}", value)
    return monkeypatch


@pytest.mark.usefixtures("variables")
def test_the_environment_has_them_under_their_keys_in_capital_letters() -> None:
    secrets = load_secrets(FROM_ENVIRONMENT)

    assert [value.get_secret_value() for value in secrets.valkey_passwords] == [
        "staple-of-many-words",
        "staple-of-other-words",
    ]
    assert len(secrets.srs_keys) == 2
    assert [(key.name, key.algorithm) for key in secrets.tsig_keys] == [
        ("twinmx", "hmac-sha256"),
        ("next", "hmac-sha512"),
    ]
    assert secrets.receivers["oncall"].secret.get_secret_value() == "0123456789abcdef"


def test_dkim_keys_are_yaml_in_a_variable(variables: pytest.MonkeyPatch) -> None:
    pair = new_pair("k1")
    variables.setenv("TWINMX_SECRET_DKIM_KEYS", yaml.safe_dump([pair]))

    (read,) = load_secrets(FROM_ENVIRONMENT).dkim_keys

    assert (read.name, read.rsa.get_secret_value().strip()) == ("k1", pair["rsa"].strip())


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "DKIM_KEYS",
            "[{rsa: '0123456789ab}]",
            "$TWINMX_SECRET_DKIM_KEYS:1: not YAML: the text is not",
        ),
        ("VALKEY_PASSWORD", "staple-of-many-words", "valkey_password: no such key. Did you mean valkey_pas"),
        ("SRS_KEYS", "0123456789ab", "$TWINMX_SECRET_*: srs_keys entry 1: allowed: text of at least 32"),
        ("TSIG_KEYS", "MDEyMzQ1Njc4", "tsig_keys entry 1.name: missing"),
        ("TSIG_KEYS", "a:b:c:MDEyMzQ1Njc4", "tsig_keys entry 1"),
    ],
)
def test_a_variable_that_is_wrong_is_named_by_its_key(
    variables: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    variables.setenv(f"TWINMX_SECRET_{name}", value)

    assert says in refusal(FROM_ENVIRONMENT)


def test_an_environment_without_any_is_told() -> None:
    assert refusal(FROM_ENVIRONMENT).startswith("$TWINMX_SECRET_*: no such variable is set")


def test_a_gap_that_init_left_is_refused(files: Files) -> None:
    files.secrets.write_text(f"{SECRETS}receivers: {{oncall: {{secret: '{GAP}: the routing key'}}}}\n")

    assert "receivers.oncall.secret: is still to be filled in" in refusal(files.source)


def test_two_equal_entries_are_refused(files: Files) -> None:
    spoil(files.secrets, "[staple-of-many-words]", "[staple-of-many-words, staple-of-many-words]")

    assert "valkey_passwords entry 2: listed twice; allowed: once" in refusal(files.source)


def test_a_line_break_in_a_secret_is_refused(files: Files) -> None:
    spoil(files.secrets, "[staple-of-many-words]", '["staple-of-many\\nwords"]')

    assert "valkey_passwords entry 1: has a line break" in refusal(files.source)


def test_an_inventory_file_is_read_without_its_secrets(files: Files) -> None:
    files.secrets.unlink()
    file = files.facts.with_name("ours.py")
    file.write_text(
        "from inventory.hosts import hosts_of\n"
        f"exchangers, databases, controller = hosts_of({str(files.facts)!r}, connection={{}})\n"
    )

    assert set(exchange_of(file).exchangers) == {"mx1", "mx2"}
    with pytest.raises(InventoryError, match="cannot be read: No such file"):
        hosts_of(str(files.facts), connection={}, flags={})


def test_every_field_of_the_secrets_is_among_the_values(files: Files) -> None:
    """What is added to the secrets is masked as well."""
    secrets = load_secrets(files.source)
    text = Secrets.model_dump_json(secrets)

    assert text.count("**********") == len(secrets.values) == 5
