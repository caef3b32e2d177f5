"""`mxctl top`: what the workers counted comes out, sorted, summed, bounded and safe to print."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import fakeredis
import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from twinmx.limits import statistics, store
from twinmx.limits.limiter import Limiter
from twinmx.limits.settings import Limits, Valkey, Window
from twinmx.mxctl import top
from twinmx.mxctl.main import app

SETTINGS = """[limits]
alias = {count = 1, window_seconds = 60}
mailbox = {count = 1, window_seconds = 60}
answer = 550
text = "5.2.1 Too much"
[limits.valkey]
socket = "SOCKET"
wait_seconds = 0.1
"""

NOW = 28_000_000  # minutes since the epoch
MOST_NAMES = 50
Traffic = Callable[[Limiter], Awaitable[None]]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    settings, password = tmp_path / "limits.toml", tmp_path / "password"
    settings.write_text(SETTINGS.replace("SOCKET", str(tmp_path / "none.sock")))
    password.write_text("staple-of-many-words\n")
    return ["--settings", str(settings), "--password", str(password)]


@pytest.fixture
def valkey(valkey: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch) -> fakeredis.FakeServer:
    """The limiters' server, which the command asks as well."""
    monkeypatch.setattr(top, "client", store.client)
    for module in (statistics, top):  # no test may depend on the minute in which it runs
        monkeypatch.setattr(module, "minute_now", lambda: NOW)
    return valkey


def after(traffic: Traffic, alias: int = 1000) -> None:
    """Let `traffic` pass a limiter that is closed afterwards, which hands its statistics in."""

    async def passed() -> None:
        window, wide = Window(count=alias, window_seconds=60), Window(count=100_000, window_seconds=60)
        place = Valkey(socket=Path("/nowhere"), wait_seconds=5)
        limits = Limits(alias=window, mailbox=wide, answer=550, text="5.2.1 Too much", valkey=place)
        limiter = Limiter(limits, "", CollectorRegistry())
        await traffic(limiter)
        await limiter.close()

    asyncio.run(passed())


def ask(arguments: Sequence[str]) -> Any:
    return CliRunner().invoke(app, ["top", *arguments])


def rows(arguments: Sequence[str]) -> list[tuple[str, int, int]]:
    answer = ask([*arguments, "--json"])
    assert answer.exit_code == 0, answer.output
    return [(row["name"], row["received"], row["refused"]) for row in json.loads(answer.stdout)["rows"]]


async def june_2021(limiter: Limiter) -> None:
    """One account is flooded through two aliases by one sender; another receives a letter."""
    for alias, number in (("shop@alias.example", 30), ("news@alias.example", 20)):
        for _ in range(number):
            await limiter.admit(alias, ["eve@mailbox.example"], account="eve", sender="robot@Flood.example")
    await limiter.admit("hi@alias.example", ["ada@mailbox.example"], account=None, sender="")


@pytest.mark.usefixtures("valkey")
def test_it_names_who_is_flooded_and_by_whom(files: list[str]) -> None:
    after(june_2021, alias=25)

    assert rows(files) == [
        ("shop@alias.example", 25, 5),
        ("news@alias.example", 20, 0),
        ("hi@alias.example", 1, 0),
    ]
    assert rows([*files, "--by", "mailbox"]) == [
        ("eve@mailbox.example", 45, 5),
        ("ada@mailbox.example", 1, 0),
    ]
    assert rows([*files, "--by", "account"]) == [("eve", 45, 5)]
    assert rows([*files, "--by", "sender"]) == [("flood.example", 45, 5), ("<>", 1, 0)]


@pytest.mark.usefixtures("valkey")
def test_the_table_has_shares_and_a_sum(files: list[str]) -> None:
    after(june_2021, alias=25)

    said = ask([*files, "--by", "mailbox"]).stdout.replace("│", " ").replace("┃", " ").splitlines()

    assert ["eve@mailbox.example", "45", "5", "98.0%"] in [line.split() for line in said]
    assert ["all", "46", "5"] in [line.split() for line in said]


@pytest.mark.usefixtures("valkey")
def test_only_so_many_are_shown_and_only_of_late(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    after(june_2021)
    assert rows([*files, "-n", "1"]) == [("shop@alias.example", 30, 0)]

    monkeypatch.setattr(top, "minute_now", lambda: NOW + 12)
    assert rows([*files, "--window", "10m"]) == []
    assert len(rows([*files, "--window", "1h"])) == 3


@pytest.mark.usefixtures("valkey")
def test_what_was_given_back_was_not_received(files: list[str]) -> None:
    async def regretted(limiter: Limiter) -> None:
        for _ in range(2):
            admission = await limiter.admit("a@alias.example", ["m@mailbox.example"], account="x", sender="")
        await limiter.release(admission)

    after(regretted)
    assert rows(files) == [("a@alias.example", 1, 0)]


@pytest.mark.usefixtures("valkey")
def test_what_was_refused_cannot_be_given_back(files: list[str]) -> None:
    async def refused(limiter: Limiter) -> None:
        for _ in range(2):
            admission = await limiter.admit("a@alias.example", ["m@mailbox.example"], account="x", sender="")
        await limiter.release(admission)

    after(refused, alias=1)
    assert rows(files) == [("a@alias.example", 1, 1)]


@pytest.mark.usefixtures("valkey")
def test_a_flood_of_names_takes_no_room_from_those_that_matter(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MOST_NAMES", MOST_NAMES)

    async def many(limiter: Limiter, first: int) -> None:
        for number in range(first, first + MOST_NAMES * 4):
            await limiter.admit(f"{number}@alias.example", ["m@mailbox.example"], account=None, sender="")
            if number % 10 == 0:
                await limiter.admit("shop@alias.example", ["m@mailbox.example"], account=None, sender="")

    after(lambda limiter: many(limiter, 0))
    after(lambda limiter: many(limiter, 1000))  # another worker, with other names

    answer = json.loads(ask([*files, "--json", "-n", "5000"]).stdout)
    assert answer["rows"][0] == {
        "name": "shop@alias.example", "received": 40, "refused": 0, "share": round(40 / 440, 4)
    }  # fmt: skip
    assert answer["total"] == {"received": 440, "refused": 0}
    assert len(answer["rows"]) <= MOST_NAMES
    assert sum(row["received"] for row in answer["rows"]) + answer["rest"]["received"] == 440


@pytest.mark.usefixtures("valkey")
def test_a_stranger_writes_nothing_but_text_on_the_screen(files: list[str]) -> None:
    async def evil(limiter: Limiter) -> None:
        await limiter.admit(
            "a@x.example", ["m@y.example"], account=None, sender="a@[red]\x1b[2J\u202e.example"
        )

    after(evil)
    said = ask([*files, "--by", "sender"]).stdout

    assert "[red]?[2j?.example" in said


def test_without_valkey_it_says_so_and_fails(files: list[str], tmp_path: Path) -> None:
    answer = ask(files)

    assert answer.exit_code == 1
    assert f"Valkey at {tmp_path / 'none.sock'} does not tell: ConnectionError" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--window", "3h"], "from 1m to 120m"),
        (["--window", "0m"], "from 1m to 120m"),
        (["--window", "ten"], "a number and s, m, h or d"),
        (["--by", "colour"], "colour"),
        (["-n", "0"], "-n"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(arguments: list[str], says: str) -> None:
    answer = ask(arguments)

    assert answer.exit_code == 2
    assert says in answer.output


def test_a_password_that_cannot_be_read_is_told(files: list[str]) -> None:
    answer = ask([*files, "--password", "/nowhere/password"])

    assert answer.exit_code == 1
    assert "/nowhere/password" in answer.stderr
