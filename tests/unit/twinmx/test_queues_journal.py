"""The mail log is followed for ever: a journalctl that ends, hangs or writes nonsense loses no delivery."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.unit.twinmx.spamming import until
from twinmx.queues import journal
from twinmx.queues.journal import Journal, Take

SCRIPT = """#!/bin/sh
# writes the entries of its first, second ... life, notes how it was asked, and stays or ends
echo "$@" >>{base}/asked
life=$(grep -c . {base}/asked)
[ -e {base}/$life ] && cat {base}/$life
[ -e {base}/$life.stays ] && exec sleep 60
echo "life $life is over" >&2
"""


def entry(text: object, identifier: object = "postfix/smtp", cursor: object = "s=1;i=1") -> str:
    fields = {"__CURSOR": cursor, "MESSAGE": text, "SYSLOG_IDENTIFIER": identifier}
    return json.dumps(fields) + "\n"


class Lives:
    """What each journalctl shows, and what was taken of it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.taken: list[tuple[str, str]] = []
        self.program = base / "journalctl"
        self.program.write_text(SCRIPT.format(base=base))
        self.program.chmod(0o755)

    def shows(self, *lives: str) -> None:
        """Each life's output; the last one stays."""
        for number, text in enumerate(lives, start=1):
            (self.base / str(number)).write_text(text)
        (self.base / f"{len(lives)}.stays").touch()

    def asked(self) -> list[str]:
        file = self.base / "asked"
        return file.read_text().splitlines() if file.exists() else []

    @asynccontextmanager
    async def followed(self, take: Take | None = None) -> AsyncIterator[Journal]:
        followed = Journal(take or (lambda *told: self.taken.append(told)), [str(self.program)])
        task = asyncio.create_task(followed.follow())
        try:
            yield followed
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lives:
    monkeypatch.setattr(journal, "PAUSE_SECONDS", 0.01)
    return Lives(tmp_path)


async def test_lines_with_a_status_are_taken_and_others_pass(lives: Lives) -> None:
    lives.shows(entry("A1: removed") + entry("A1: status=sent", "postfix-out/smtp"))
    async with lives.followed() as followed:
        await until(lambda: bool(lives.taken))
        assert followed.age() < 5
    assert lives.taken == [("postfix-out/smtp", "A1: status=sent")]
    assert lives.asked() == ["--lines=0 SYSLOG_FACILITY=2"]


async def test_the_next_one_goes_on_behind_the_last_delivery(lives: Lives) -> None:
    first = entry("A1: status=sent", cursor="s=1;i=7") + entry("A1: removed", cursor="s=1;i=8")
    lives.shows(first, "", entry("B2: status=sent"))
    async with lives.followed():
        await until(lambda: len(lives.taken) == 2)
    assert [text for _, text in lives.taken] == ["A1: status=sent", "B2: status=sent"]
    assert lives.asked() == [
        "--lines=0 SYSLOG_FACILITY=2",
        "--lines=all --after-cursor=s=1;i=7 SYSLOG_FACILITY=2",
        "--lines=0 SYSLOG_FACILITY=2",  # with that cursor it showed nothing: perhaps it was the cursor
    ]


async def test_one_that_shows_nothing_is_replaced(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SILENCE_SECONDS", 0.1)
    lives.shows("", entry("A1: status=sent"))
    (lives.base / "1.stays").touch()
    async with lives.followed():
        await until(lambda: bool(lives.taken))
    assert len(lives.asked()) >= 2


async def test_age_grows_while_nothing_is_read(lives: Lives) -> None:
    lives.shows("")
    async with lives.followed() as followed:
        await until(lambda: bool(lives.asked()))
        before = followed.age()
        await until(lambda: followed.age() > before)


def breaking(taken: list[tuple[str, str]]) -> Callable[[str, str], None]:
    def take(identifier: str, text: str) -> None:
        taken.append((identifier, text))
        if len(taken) == 1:
            raise ZeroDivisionError

    return take


async def test_a_line_that_breaks_us_is_not_read_again(lives: Lives) -> None:
    lives.shows(entry("A1: status=sent", cursor="s=1;i=7"), entry("B2: status=sent"))
    async with lives.followed(breaking(lives.taken)):
        await until(lambda: len(lives.taken) == 2)
    assert "--after-cursor=s=1;i=7" in lives.asked()[1]


async def test_nonsense_is_passed_over(lives: Lives) -> None:
    odd = (
        "status=\n",
        '"status="\n',
        "[" * 3000 + "status=\n",
        entry([115, 255, 61], cursor="status="),
        entry("status=", identifier=None),
        entry("status=", cursor=7),
        '{"MESSAGE": "status=\\udc80", "SYSLOG_IDENTIFIER": "x"}\n',
        "status=" + "x" * 100_000 + "\n",
    )
    lives.shows("".join(odd) + entry("A1: status=sent"))
    async with lives.followed():
        await until(lambda: ("postfix/smtp", "A1: status=sent") in lives.taken)
    assert len(lives.asked()) == 1


async def test_a_line_without_end_is_not_kept(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LONGEST_LINE", 1000)
    lives.shows("x" * 200_000, entry("A1: status=sent"))
    async with lives.followed():
        await until(lambda: bool(lives.taken))
    assert len(lives.asked()) == 2


async def test_without_journalctl_it_goes_on_trying(lives: Lives) -> None:
    lives.shows(entry("A1: status=sent"))
    away = lives.program.rename(lives.base / "away")
    async with lives.followed():
        away.rename(lives.program)
        await until(lambda: bool(lives.taken))
