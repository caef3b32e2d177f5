"""`mxctl drain`, `undrain` and `failover`: what the agent does, and why it refuses."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.twinmx.operated import WELL, Operated, operated, until

Pair = tuple[Operated, Operated]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with operated(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest.fixture
def pair(running: Pair) -> Iterator[Pair]:
    """Both in service, and so again afterwards."""
    yield running
    for host in running:
        if host.seen()["state"] in ("draining", "drained"):
            host.mxctl("undrain")
        if host.seen()["hold"]:
            host.mxctl("failover", "release")
    until(lambda: all(host.is_ready() for host in running))


def test_drain_and_undrain(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _ = pair
    monkeypatch.setenv("SUDO_USER", "ada")

    done = host.mxctl("drain", "--for", "2h", "--reason", "new disk")

    assert done.exit_code == 0
    assert done.stdout.startswith("mx1 is drain")
    assert "ordered by ada: new disk, until 2" in done.stdout
    assert host.drained
    back = host.told("undrain", "--reason", "disk is in")
    assert (back["state"], back["cause"]) == ("returning", "ordered by ada: disk is in")
    assert not host.drained


def test_waiting_ends_with_what_is_left(pair: Pair) -> None:
    host, _ = pair

    told = host.told("drain", "--wait")

    assert told["state"] == "drained"
    assert told["left"]["deferred"] == 7
    again = host.mxctl("drain", "--wait")
    assert again.stdout.endswith("; left in the inbound queue: 7, 7 of them deferred\n")


def test_a_drain_that_is_ended_meanwhile_is_no_success(pair: Pair) -> None:
    host, _ = pair
    host.programs.metrics = WELL + 'twinmx_queue_messages{instance="in",queue="active"} 3\n'

    def undrain() -> None:
        until(lambda: host.seen()["state"] == "draining")
        host.order("/undrain")

    somebody = threading.Thread(target=undrain)
    somebody.start()
    done = host.mxctl("drain", "--wait")
    somebody.join()
    host.programs.metrics = WELL

    assert done.exit_code == 1
    assert re.match(r"mx1 is (active|returning: ordered by bob); left in the inbound queue: 10", done.stdout)
    assert "not drained: see" in done.stderr


def test_the_last_one_in_service_is_not_drained(pair: Pair) -> None:
    host, other = pair
    host.told("drain")

    refused = other.mxctl("drain", "--json")

    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert "refused: mx1 is drained and relies on this host\nThis host stays in service." in refused.stderr
    assert "mxctl undrain` there" in refused.stderr
    assert not other.drained


def test_nor_where_the_other_agent_is_silent(pair: Pair) -> None:
    host, other = pair
    other.kill()
    try:
        until(lambda: not host.seen()["peers"]["mx2"]["fresh"])
        refused = host.mxctl("drain")
        silent = [other.mxctl(*words) for words in (["drain"], ["undrain"], ["failover", "status"])]
    finally:
        other.restart()

    assert refused.exit_code == 1
    assert "refused: no other exchanger could carry the mail: mx2 does not answer" in refused.stderr
    assert [answer.exit_code for answer in silent] == [3, 3, 3]
    for answer in silent:
        assert "the failover agent cannot be asked at " in answer.stderr
        assert "systemctl status failover" in answer.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [(["undrain"], "this host is not drained"), (["failover", "release"], "nobody holds this agent")],
)
def test_what_there_is_nothing_to_end_of_is_refused(pair: Pair, words: list[str], why: str) -> None:
    refused = pair[0].mxctl(*words)

    assert (refused.exit_code, refused.stderr) == (1, f"refused: {why}\n")


def test_hold_and_release(pair: Pair) -> None:
    host, _ = pair

    held = host.told("failover", "hold", "--for", "1h", "--reason", "I am on it\x1b[2J")
    shown = host.mxctl("failover", "status").stdout

    assert held["hold"]["reason"] == "I am on it\x1b[2J"
    assert "\x1b" not in shown
    assert "I am on it [2J" in shown
    assert "peer mx2:    fit" in shown
    assert host.mxctl("failover", "release").stdout == "released; mode auto\n"
    assert host.told("failover", "status")["hold"] is None


def test_settings_that_cannot_be_read_are_named(tmp_path: Path, pair: Pair) -> None:
    host = pair[0]
    (tmp_path / "none.toml").write_text("name = 1\n")
    file, host.file = host.file, tmp_path / "none.toml"
    answers = [host.mxctl(*words) for words in (["status"], ["drain"], ["undrain"], ["failover", "hold"])]
    host.file = file

    assert [answer.exit_code for answer in answers] == [3, 3, 3, 3]
    assert all("none.toml: name = 1" in answer.stderr for answer in answers)


@pytest.mark.parametrize(
    "words", [["drain", "--for", "soon"], ["undrain", "now"], ["failover"], ["failover", "x"]]
)
def test_what_makes_no_sense_is_a_usage_error(pair: Pair, words: list[str]) -> None:
    assert pair[0].mxctl(*words).exit_code == 2


def test_every_state_is_json_for_programs(pair: Pair) -> None:
    assert json.loads(pair[0].mxctl("failover", "status", "--json").stdout)["host"] == "mx1"
