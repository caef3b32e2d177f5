"""What is refused of a secrets file, and that no secret is ever shown."""

import traceback

import pytest

from inventory.load import InventoryError
from inventory.secrets import load_secrets
from tests.unit.inventory.files import SECRETS, Files, line_of, spoil

SRS_KEY = "0123456789abcdefghijklmnopqrstuv"
TSIG_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
VALUES = ("correct-horse", "staple-of-many", SRS_KEY[:12], TSIG_KEY[:12])

BAD = {
    "unknown key": (
        "valkey_passwords:",
        "valkey_paswords:",
        "valkey_paswords: no such key. Did you mean valkey_passwords? Allowed here: rspamd_password,",
    ),
    "short password": (
        "staple-of-many-words",
        "staple-of-many",
        "valkey_passwords entry 1: allowed: text of at least 16 characters (Passwords of the programs'",
    ),
    "number as password": (
        "staple-of-many-words",
        "31415926535897932384",
        "valkey_passwords entry 1: allowed: text of at least 16 characters",
    ),
    "short SRS key": (
        SRS_KEY,
        SRS_KEY[:31],
        "srs_keys entry 1: allowed: text of at least 32 characters (HMAC keys",
    ),
    "no SRS key": (
        f"[{SRS_KEY}]",
        "[]",
        "srs_keys: allowed: a list of one or more, each: text of at least 32",
    ),
    "SRS key outside a list": (
        f"[{SRS_KEY}]",
        SRS_KEY,
        "srs_keys: allowed: a list of one or more, each: text of",
    ),
    "bad base64": (
        TSIG_KEY,
        TSIG_KEY[:-2],
        "tsig_keys entry 1.secret: is no base64; allowed: base64 of at least 16 bytes",
    ),
    "key that is not ASCII": (
        TSIG_KEY,
        "é" + TSIG_KEY,
        "tsig_keys entry 1.secret: is no base64; allowed: base64 of at least 16",
    ),
    "short key": (
        TSIG_KEY,
        TSIG_KEY[:8],
        "tsig_keys entry 1.secret: has 6 bytes; allowed: base64 of at least 16 bytes",
    ),
    "weak algorithm": (
        "  - name: twinmx",
        "  - name: twinmx\n    algorithm: hmac-md5",
        "tsig_keys entry 1.algorithm: allowed: hmac-sha256 or hmac-sha512 (Its algorithm)",
    ),
    "unknown key of a key": (
        "  - name:",
        "  - nam:",
        "tsig_keys entry 1.nam: no such key. Did you mean name? Allowed here: name,",
    ),
    "text that YAML cannot read": (
        "staple-of-many-words",
        '"staple-of-many',
        "not YAML: the text is not repeated",
    ),
    "password that looks like an alias": (
        "staple-of-many-words",
        "*staple-of-many",
        "not YAML: the text is not",
    ),
    "password that looks like a tag": (
        "staple-of-many-words",
        "!staple-of-many",
        "not YAML: the text is not",
    ),
    "key given twice": (
        "srs_keys:",
        "rspamd_password: x\nsrs_keys:",
        "rspamd_password: given twice, first on line 1",
    ),
}


def _shown(error: BaseException) -> str:
    """All that anyone could print of an error: its text, its repr, and what led to it."""
    behind = [cause for cause in (error.__cause__, error.__context__) if cause]
    return "\n".join([repr(error), str(error), *("".join(traceback.format_exception(one)) for one in behind)])


@pytest.mark.parametrize(("good", "bad", "says"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_told_without_the_secret(files: Files, good: str, bad: str, says: str) -> None:
    spoil(files.secrets, good, bad)

    with pytest.raises(InventoryError) as refused:
        load_secrets(files.source)

    told = str(refused.value)
    assert any(f": {says}" in line and line.startswith(f"{files.secrets}:") for line in told.splitlines()), (
        told
    )
    shown = told + repr(refused.value) + refused.value.message
    assert not [value for value in VALUES if value in shown], shown


@pytest.mark.parametrize("good", ["staple-of-many-words", SRS_KEY, TSIG_KEY])
def test_the_error_behind_the_error_holds_no_secret_either(files: Files, good: str) -> None:
    spoil(files.secrets, good, good[:14])

    with pytest.raises(InventoryError) as refused:
        load_secrets(files.source)

    assert not [value for value in (good[:12], good[:14]) if value in _shown(refused.value)]


def test_a_missing_file_is_told_with_what_it_holds(files: Files) -> None:
    files.secrets.unlink()

    with pytest.raises(
        InventoryError, match=r"secrets\.yml: cannot be read: No such file .*; it holds the secrets"
    ):
        load_secrets(files.source)


def test_the_line_of_a_mistake_is_named(files: Files) -> None:
    spoil(files.secrets, TSIG_KEY, "short")

    with pytest.raises(InventoryError) as refused:
        load_secrets(files.source)

    assert str(refused.value).startswith(
        f"{files.secrets}:{line_of(files.secrets, 'secret:')}: tsig_keys entry 1.secret"
    )


def test_secrets_hide_in_a_repr(files: Files) -> None:
    secrets = load_secrets(files.source)

    shown = f"{secrets!r} {secrets} {secrets.model_dump()} {secrets.model_dump_json()}"

    assert not [value for value in VALUES if value in shown]
    assert secrets.rspamd_password.get_secret_value() in SECRETS
