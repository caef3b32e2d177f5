"""No secret leaves a process by its output, however it is written there."""

import base64
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as some

from inventory.masking import MASK, forms, hide, masked
from inventory.secrets import load_secrets
from tests.unit.inventory.files import SECRETS, Files

SECRET = 'it\'s "a" $ecret/ÿ'
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\nBCIEIJpsQ0vX\n-----END PRIVATE KEY-----\n"
WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json with its letters": lambda text: json.dumps(text, ensure_ascii=False),
    "repr": repr,
    "shell": shlex.quote,
    "url": lambda text: quote(text, safe=""),
    "sql": lambda text: text.replace("'", "''"),
}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_secret_is_found_however_it_is_quoted(write: Callable[[str], str]) -> None:
    hide(SECRET)

    shown = masked(f"before {write(SECRET)} after")

    assert MASK in shown
    assert "ecret/" not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@given(some.binary(max_size=8), some.binary(max_size=8))
def test_base64_of_a_file_does_not_tell_the_secret_in_it(before: bytes, after: bytes) -> None:
    secret = "correct-horse-battery"
    hide(secret)
    encoded = base64.b64encode(before + secret.encode() + after).decode()

    shown = masked(encoded)

    assert MASK in shown
    assert len(shown.replace(MASK, "")) < len(encoded) - len(secret)


def test_a_key_in_pem_is_hidden_line_by_line_and_its_frame_is_not() -> None:
    hide(PEM)

    shown = masked(f"found:\n{PEM}in the middle of MC4CAQAwBQYDK2Vw")

    assert "-----BEGIN PRIVATE KEY-----" in shown
    assert not any(line in shown for line in PEM.splitlines()[1:3])


def test_what_is_short_hides_nothing() -> None:
    assert forms("abc") == set()


def test_all_secrets_that_were_read_are_hidden_from_then_on(files: Files) -> None:
    values = load_secrets(files.source).values

    shown = masked(SECRETS)

    assert len(values) == 5
    assert not [value for value in values if value in shown]


def test_prints_and_tracebacks_of_a_process_are_masked(files: Files) -> None:
    program = f"""
import sys
from pathlib import Path
from inventory.masking import mask_output
from inventory.secret_source import SecretSource
from inventory.secrets import load_secrets
held = sys.stderr
mask_output()
secrets = load_secrets(SecretSource(kind="file", path={str(files.secrets)!r}))
print("told", *secrets.values)
held.write("who held the stream before: " + secrets.values[0])
raise ValueError(secrets.values)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == f"told {' '.join([MASK] * 5)}\n"
    assert f"who held the stream before: {MASK}" in done.stderr
    assert f"ValueError: ['{MASK}'" in done.stderr
    assert not [value for value in load_secrets(files.source).values if value in done.stderr]


def test_the_log_that_pyinfra_writes_of_its_own_faults_is_masked(files: Files, tmp_path: Path) -> None:
    program = f"""
from pyinfra_cli.exceptions import UnexpectedInternalError
from inventory.masking import mask_output
from inventory.secret_source import SecretSource
from inventory.secrets import load_secrets
mask_output()
secrets = load_secrets(SecretSource(kind="file", path={str(files.secrets)!r}))
try:
    raise ValueError(secrets.values)
except ValueError as error:
    UnexpectedInternalError(error).show()
"""
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{root}:{root}/src"},
        capture_output=True,
        text=True,
        check=False,
    )

    log = (tmp_path / "pyinfra-debug.log").read_text()
    assert f"ValueError: ['{MASK}'" in log
    shown = log + done.stdout + done.stderr
    assert not [value for value in load_secrets(files.source).values if value in shown]
