"""`mxctl quarantine` shows what waits, and refuses what makes no sense."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.twinmx.quarantined import MESSAGE, Host
from twinmx.mxctl.main import app


def test_a_list_says_what_waits_and_for_whom(host: Host) -> None:
    name = host.store()
    (row,) = host.rows()
    assert row["name"] == name
    assert (row["alias"], row["account"], row["sender"]) == (
        "pair@alias.example",
        "ada",
        "spammer@sender.example",
    )
    assert (row["engine"], row["score"], row["size"]) == ("rspamd", 20.5, len(MESSAGE))
    assert row["quarantined_at"] == "2027-01-15T08:00:00+00:00"
    code, text = host.run("list")
    assert code == 0
    assert name in text


def test_only_the_older_ones_on_request(host: Host) -> None:
    old = host.store(at=1_000_000_000)
    host.store(at=4_000_000_000)
    assert [row["name"] for row in host.rows("--older", "7d")] == [old]
    code, text = host.run("list", "--older", "a week")
    assert code == 2
    assert "as in 30m or 7d" in text


def test_a_damaged_item_is_told_and_hides_no_other(host: Host) -> None:
    bad, good = host.store(), host.store()
    (host.directory / bad / "envelope.json").write_text('{"quarantined_at": "never"}')
    code, text = host.run("list")
    assert code == 1
    assert good in text
    assert f"{bad}: quarantined_at: " in text


def test_a_message_is_shown_without_steering_the_terminal(host: Host) -> None:
    name = host.store()
    assert "account:        ada" in host.run("show", name)[1]
    header = host.run("show", name, "--headers")[1]
    assert "Subject: \ufffd[2Jb\ufffdy" in header
    assert ".dot" not in header


def test_raw_is_byte_for_byte(host: Host) -> None:
    name = host.store()
    result = CliRunner().invoke(app, ["quarantine", "--settings", str(host.settings), "show", name, "--raw"])
    assert result.stdout_bytes == MESSAGE


@pytest.mark.parametrize("name", ["", "..", "/etc", "20260101T000000Z-none-00000000"])
@pytest.mark.parametrize("command", ["show", "release", "drop"])
def test_what_is_not_there_is_refused(host: Host, command: str, name: str) -> None:
    assert host.run(command, name)[0] == 1


@pytest.mark.parametrize("arguments", [["list", "--soon"], ["release"], ["show", "x", "--raw", "--headers"]])
def test_usage_is_2(host: Host, arguments: Sequence[str]) -> None:
    assert host.run(*arguments)[0] == 2


def test_settings_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["quarantine", "--settings", str(tmp_path / "none"), "list"])
    assert result.exit_code == 1
    assert f"{tmp_path}{os.sep}none" in result.output
