"""The settings file: what is accepted, and what a refusal says."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.twinmx.forwarder_settings import SETTINGS
from twinmx.forwarder.settings import Settings
from twinmx.program.credentials import CredentialError, load_keys
from twinmx.program.settings import SettingsError, load_settings

LIMITS = """
[limits]
alias = {{ count = 10, window_seconds = 60 }}
mailbox = {{ count = 15, window_seconds = 60 }}
answer = {}
text = "5.2.1 too much"
valkey = {{ socket = "/run/valkey/valkey.sock", wait_seconds = 0.1 }}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "forwarder.toml"
    path.write_text(text)
    return path


def test_the_file_is_accepted(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, SETTINGS), Settings)
    assert settings.spam.engines == ("rspamd", "spamassassin")
    assert settings.listen.port == 20381


def test_the_forwarder_may_defer_what_is_over_a_limit(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, SETTINGS + LIMITS.format(421)), Settings)
    assert settings.limits is not None
    assert settings.limits.answer == 421


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('host = "mx1.alias.example"', "", "host: Field required"),
        ('"mx1.alias.example"', '"mx1"', "host = 'mx1': Value error, the domain is not"),
        ("max_connections = 200", "max_connections = 0", "listen.max_connections = 0: "),
        ("idle_seconds = 120", "idle_second = 120", "listen.idle_second = 120: Extra inputs"),
        ("port = 20381", "port = 99999", "listen.port = 99999: "),
        ('"127.0.0.1/32"', '"127.0.0.1/8"', "listen.clients.0"),
        ('"rspamd", "spam', '"spamassassin", "spam', "engines names one twice: spamassassin"),
        ('"rspamd", ', '"rspam", ', "spam.engines.0 = 'rspam': Input should be 'rspamd'"),
        ("budget_seconds = 4", "budget_seconds = 20", "rspamd.budget_seconds 20 must be less than"),
        ("total_seconds = 45", "total_seconds = 41", "must be at least spam.total_seconds + reinject"),
        (
            "[deadline]",
            LIMITS.format(550) + "[deadline]",
            "limits: Value error, answer 550 belongs to the gate",
        ),
        ("total_seconds = 45", "total_seconds = 60", "must be less than deadline.postfix_seconds 60"),
        (
            "socket = ",
            'url = "http://127.0.0.1:1"\nsocket = ',
            "spam.rspamd: Value error, give url or",
        ),
        ('socket = "/run/rspamd/worker.sock"', 'url = "ftp://x"', "spam.rspamd.url = 'ftp://x'"),
        ('domains = ["alias.example"]', "domains = []", "srs.domains"),
        ("reject_score = 15.0", "reject_score = nan", "spam.reject_score"),
        ("[deadline]", "[deadline", "Expected"),
    ],
)
def test_a_fault_names_key_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in SETTINGS
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, SETTINGS.replace(old, new, 1)), Settings)
    assert message in str(caught.value)
    assert "forwarder.toml: " in str(caught.value)


def test_an_engine_without_its_table_is_refused(tmp_path: Path) -> None:
    text = SETTINGS.replace("[spam.spamassassin]\naddress", "[x]\naddress")
    with pytest.raises(SettingsError, match=r"a table \[spam.spamassassin\] is needed"):
        load_settings(write(tmp_path, text), Settings)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_settings(tmp_path / "none.toml", Settings)


def test_keys_come_one_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "srs-keys").write_text("n" * 32 + "\n" + "o" * 40 + "\n")
    assert load_keys() == (b"n" * 32, b"o" * 40)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("", "there is no key"), ("k" * 32 + "\nsecret\n", ":2: a key has 32")],
)
def test_bad_keys_are_refused_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any, message: str
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    if content is not None:
        (tmp_path / "srs-keys").write_text(content)
    with pytest.raises(CredentialError) as caught:
        load_keys()
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_no_credentials_directory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(CredentialError, match="LoadCredential"):
        load_keys()
