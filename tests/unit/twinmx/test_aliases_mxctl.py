"""`mxctl alias`, as an operator uses it where the aliases come from the inventory."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.unit.twinmx.conftest import ALIASES
from twinmx.aliases.database import settings as database
from twinmx.aliases.overrides import overrides_of
from twinmx.aliases.snapshot import Snapshot
from twinmx.aliases.update import build_snapshot
from twinmx.mxctl.main import app


@pytest.fixture(autouse=True)
def no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SETTINGS", tmp_path / "none.toml")


def ask(snapshot: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["alias", "--snapshot", str(snapshot), *words])


def told(snapshot: Path, *words: str) -> Any:
    return json.loads(ask(snapshot, *words, "--json").output)


def test_show_tells_where_an_alias_leads_and_how_old_that_is(snapshot_path: Path) -> None:
    shown = ask(snapshot_path, "show", "Pair@alias.example")
    first, second = shown.output.splitlines()
    assert first == "pair@alias.example (enabled, account ada): one@mailbox.example, two@post.example"
    assert second.startswith("snapshot: 3 aliases, read 0s ago")
    off = told(snapshot_path, "show", "off@alias.example")
    assert (off["enabled"], off["enabled_at_source"], off["override"]) == (False, False, None)
    assert off["snapshot"]["count"] == 3


def test_show_tells_which_mailboxes_are_disabled(snapshot_path: Path) -> None:
    one, two = ALIASES[2].mailboxes
    assert "disabled" not in ask(snapshot_path, "show", "pair@alias.example").output
    build_snapshot([replace(ALIASES[2], disabled_mailboxes=(one,))], snapshot_path)
    assert f"\ndisabled mailboxes: {one}\n" in ask(snapshot_path, "show", "pair@alias.example").output
    assert told(snapshot_path, "show", "pair@alias.example")["disabled_mailboxes"] == [one]
    build_snapshot([replace(ALIASES[2], disabled_mailboxes=(one, two))], snapshot_path)
    shown = ask(snapshot_path, "show", "pair@alias.example").output
    assert (
        f"\ndisabled mailboxes: {one}, {two}; no mailbox is left, mail is refused with 550 5.2.1\n" in shown
    )


def test_an_unknown_alias_is_told_and_no_success(snapshot_path: Path) -> None:
    for command in ("show", "disable", "enable"):
        done = ask(snapshot_path, command, "nobody@alias.example")
        assert done.exit_code == 1
        assert "nobody@alias.example: no such alias" in done.output
    assert not overrides_of(snapshot_path).exists()


def test_disable_and_enable_hold_from_the_next_lookup_on(snapshot_path: Path) -> None:
    with Snapshot(snapshot_path) as reader:
        assert reader.lookup("hello@alias.example") == ALIASES[0]
        done = ask(snapshot_path, "disable", "Hello@alias.example", "--reason", "abused\x1b[2J")
        assert done.output == "hello@alias.example: disabled, on this host (abused [2J)\n"
        alias = reader.lookup("hello@alias.example")
        assert alias is not None
        assert not alias.enabled
        shown = ask(snapshot_path, "show", "hello@alias.example").output
        assert "overridden on this host, disabled since 2" in shown
        assert "its source says enabled" in shown
        assert list(told(snapshot_path, "overrides")) == ["hello@alias.example"]
        assert "hello@alias.example: overridden" in ask(snapshot_path, "overrides").output

        done = ask(snapshot_path, "enable", "hello@alias.example")
        assert done.output == "hello@alias.example: enabled, as its source says\n"
        assert reader.lookup("hello@alias.example") == ALIASES[0]
    assert told(snapshot_path, "overrides") == {}


def test_an_alias_that_its_source_disables_can_be_enabled_here(snapshot_path: Path) -> None:
    done = told(snapshot_path, "enable", "off@alias.example", "--reason", "owner asked")
    assert done["enabled"] is True
    assert done["override"]["reason"] == "owner asked"
    assert told(snapshot_path, "show", "off@alias.example")["enabled"] is True
    assert told(snapshot_path, "disable", "off@alias.example")["override"] is None
    assert told(snapshot_path, "show", "off@alias.example")["override"] is None


def test_faults_are_told_in_a_line(snapshot_path: Path) -> None:
    overrides_of(snapshot_path).write_text("junk")
    for words in (["overrides"], ["show", "hello@alias.example"], ["disable", "hello@alias.example"]):
        done = ask(snapshot_path, *words)
        assert done.exit_code == 1
        assert "overrides.json: file: Invalid JSON" in done.output
    snapshot_path.unlink()
    done = ask(snapshot_path, "show", "hello@alias.example")
    assert (done.exit_code, done.output) == (1, f"{snapshot_path}: No such file or directory\n")


def test_where_a_database_is_followed_it_is_changed_unless_local(snapshot_path: Path, tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text("")
    done = ask(snapshot_path, "disable", "hello@alias.example")
    assert done.exit_code == 1
    assert "the database was not changed: " in done.output
    assert "--local changes this host alone" in done.output
    assert told(snapshot_path, "disable", "hello@alias.example", "--local")["where"] == "on this host"
