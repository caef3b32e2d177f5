"""The manual is current: every command has examples, exit statuses and `--json`, which says what is shown."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import typer
from typer.testing import CliRunner

from controller.manual import ANSWERS, DOCUMENT, commands, render
from tests.unit.twinmx.forwarder_settings import SETTINGS as FORWARDER
from tests.unit.twinmx.operated import operated, until
from tests.unit.twinmx.quarantined import Host
from tests.unit.twinmx.queued import GREYLISTED, REFUSED, Queued
from tests.unit.twinmx.test_top import SETTINGS as LIMITS
from tests.unit.twinmx.test_top import after, june_2021
from twinmx.aliases.database import settings as database
from twinmx.limits import store
from twinmx.mxctl import top
from twinmx.mxctl.main import app
from twinmx.queues import attempts

TREE = dict(commands(typer.main.get_command(app)))
LEAVES = [
    words for words in TREE if words and not any(other[: len(words)] == words != other for other in TREE)
]
SHOWN: dict[str, Any] = json.loads(ANSWERS.read_text())
NOTHING: tuple[Any, ...] = ("NoneType", [], {})


def say(group: str, *words: str, status: int = 0, options: tuple[str, ...] = ()) -> Any:
    """What `mxctl GROUP OPTIONS WORDS --json` answers."""
    answer = CliRunner().invoke(app, [group, *options, *words, "--json"], env={"COLUMNS": "100"})
    assert answer.exit_code == status, answer.output
    return json.loads(answer.stdout)


def test_the_manual_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == render(), "run: python -m controller.manual"


def test_no_line_of_help_is_wider_than_a_manual_page() -> None:
    assert max(len(line) for text in TREE.values() for line in text.splitlines()) <= 100


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_each_command_is_documented_in_one_form(words: tuple[str, ...]) -> None:
    text = TREE[words]

    assert "--json " in text
    example = re.search(r"Examples:\n +(mxctl .*)", text)
    assert example
    assert example[1].startswith(f"mxctl {' '.join(words)}")
    assert re.search(r"Exit status:\n +0  \w+.*(\n .*)*\n +2  asked wrongly", text)
    assert " ".join(words) in SHOWN


def shape(value: Any) -> Any:
    """The keys of an answer, all the way down; a list is as its first element, numbers are numbers."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if type(value) in (int, float) else type(value).__name__


def fits(shown: Any, real: Any, where: str = "") -> None:
    """Fail where `real` has not the shape of what is shown; what is null or empty in one fits."""
    if shown in NOTHING or real in NOTHING:
        return
    assert type(shown) is type(real), where
    if isinstance(shown, dict):
        assert shown.keys() == real.keys(), where
        for key, value in shown.items():
            fits(value, real[key], f"{where}.{key}")
    elif isinstance(shown, list):
        fits(shown[0], real[0], f"{where}[0]")
    else:
        assert shown == real, where


def as_shown(name: str, real: Any) -> None:
    shown = SHOWN[name]
    fits(shape(SHOWN[shown] if isinstance(shown, str) else shown), shape(real), name)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with operated(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


def test_what_agents_say_is_as_shown(pair: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(database, "SETTINGS", tmp_path / "none.toml")
    host = pair[0]
    as_shown("failover hold", host.told("failover", "hold", "--for", "1h"))
    as_shown("failover release", host.told("failover", "release"))
    until(lambda: all(one.is_ready() for one in pair))
    as_shown("drain", host.told("drain", "--wait"))
    as_shown("failover status", host.told("failover", "status"))
    as_shown("status", host.told("status", status=1))
    as_shown("undrain", host.told("undrain"))


def test_what_queues_say_is_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queued = Queued(tmp_path)
    monkeypatch.setenv("PATH", queued.path)
    monkeypatch.setattr(attempts, "SETTLE_SECONDS", 0.1)
    queued.hold("in", "A1", "shop@alias.example", age=120, reason=REFUSED)
    queued.hold("out", "B1", "eve@mailbox.example", age=90_000, reason=GREYLISTED)
    settings = ("--settings", str(queued.settings))

    as_shown("queue", say("queue", options=settings))
    as_shown("requeue", say("requeue", "--dry-run", options=settings))
    as_shown("requeue", say("requeue", "--pause", "0s", options=settings))


def test_what_engines_say_is_as_shown(tmp_path: Path) -> None:
    mark, settings = "max_scan_bytes = 1048576\n", tmp_path / "forwarder.toml"
    settings.write_text(FORWARDER.replace(mark, f'{mark}overrides = "{tmp_path}/engines.json"\n'))
    given = ("--settings", str(settings))

    as_shown("engine skip", say("engine", "skip", "rspamd", "--for", "30m", options=given))
    as_shown("engine list", say("engine", "list", options=given))
    as_shown("engine use", say("engine", "use", "spamassassin", "--for", "30m", options=given))
    as_shown("engine clear", say("engine", "clear", "rspamd", options=given))


def test_what_aliases_say_is_as_shown(
    snapshot_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(database, "SETTINGS", tmp_path / "none.toml")
    given, address = ("--snapshot", str(snapshot_path)), "pair@alias.example"

    as_shown("alias disable", say("alias", "disable", address, "--reason", "flooded", options=given))
    as_shown("alias show", say("alias", "show", address, options=given))
    as_shown("alias overrides", say("alias", "overrides", options=given))
    as_shown("alias enable", say("alias", "enable", address, options=given))


def test_what_the_quarantine_says_is_as_shown(host: Host) -> None:
    first, second = host.store(), host.store()
    given = ("--settings", str(host.settings))

    as_shown("quarantine list", say("quarantine", "list", options=given))
    as_shown("quarantine show", say("quarantine", "show", first, options=given))
    as_shown("quarantine release", say("quarantine", "release", first, options=given))
    as_shown("quarantine drop", say("quarantine", "drop", second, options=given))


def test_what_top_says_is_as_shown(
    tmp_path: Path, valkey: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(top, "client", store.client)
    settings, password = tmp_path / "limits.toml", tmp_path / "password"
    settings.write_text(LIMITS.replace("SOCKET", str(tmp_path / "none.sock")))
    password.write_text("staple-of-many-words\n")
    after(june_2021, alias=25)

    as_shown("top", say("top", options=("--settings", str(settings), "--password", str(password))))
