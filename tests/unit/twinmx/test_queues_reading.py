"""Queues are read as Postfix writes them, line by line, and what cannot be read is an error in time."""

import asyncio
import os
import time
import tracemalloc
from pathlib import Path

import pytest

from tests.unit.twinmx.queued import GREYLISTED, REFUSED, Queued
from tests.unit.twinmx.spamming import until
from twinmx.program.settings import load_settings
from twinmx.queues.reading import Message, QueueError, Recipient, parse, read
from twinmx.queues.settings import Instance, Settings
from twinmx.queues.summary import Summary

SEEN = (  # Postfix 3.10.13
    rb'{"queue_name": "deferred", "queue_id": "2EA6A1E0944", "arrival_time": 1795342348, "message_size": 259,'
    rb' "forced_expire": false, "sender": "MAILER-DAEMON", "recipients": [{"address": '
    rb'"\"odd, status=sent (x\"@refused.example", "delay_reason": '
    rb'"connect to 127.0.0.1[127.0.0.1]:20381: Connection refused"}, {"address": "b@grey.example"}]}'
)


@pytest.fixture
def queued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queued:
    queued = Queued(tmp_path)
    monkeypatch.setenv("PATH", queued.path)
    return queued


@pytest.fixture
def inbound(queued: Queued) -> Instance:
    return load_settings(queued.settings, Settings).instances["in"]


def test_a_message_as_postfix_shows_it() -> None:
    assert parse(SEEN) == Message(
        queue="deferred",
        identifier="2EA6A1E0944",
        arrival=1795342348,
        size=259,
        sender="",
        recipients=(
            Recipient(
                '"odd, status=sent (x"@refused.example',
                "connect to 127.0.0.1[127.0.0.1]:20381: Connection refused",
            ),
            Recipient("b@grey.example", None),
        ),
    )


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        SEEN[:-1],
        SEEN.replace(b"1795342348", b"1e999"),
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_an_error_with_its_beginning(line: bytes) -> None:
    with pytest.raises(QueueError, match="no line of postqueue -j"):
        parse(line)


async def test_all_messages_pass_in_order(queued: Queued, inbound: Instance) -> None:
    for identifier in ("A1", "B2", "C3"):
        queued.hold("in", identifier, "shop@alias.example")
    seen: list[str] = []
    await read(inbound, 5, lambda message: seen.append(message.identifier))
    assert seen == ["A1", "B2", "C3"]


@pytest.mark.parametrize(
    ("what", "says"), [("down", "mail system is down"), ("hangs", "not read within 0.2 s")]
)
async def test_a_queue_that_does_not_tell_is_an_error_in_time(
    queued: Queued, inbound: Instance, what: str, says: str
) -> None:
    queued.mark("in", what)
    begun = time.monotonic()
    with pytest.raises(QueueError, match=says):
        await read(inbound, 0.2, lambda _: None)
    assert time.monotonic() - begun < 5


async def test_who_is_asked_no_longer_is_gone(queued: Queued, inbound: Instance) -> None:
    queued.mark("in", "hangs")
    noted = queued.base / "in" / "pid"
    reading = asyncio.create_task(read(inbound, 60, lambda _: None))
    await until(lambda: noted.exists() and noted.read_text().endswith("\n"))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


async def test_one_who_stops_in_the_middle_of_much_is_let_go(queued: Queued, inbound: Instance) -> None:
    queued.program("postqueue", "#!/bin/sh\nyes '{}' | head -c 3000000; exec sleep 60\n")
    begun = time.monotonic()
    with pytest.raises(QueueError, match="no line"):
        await read(inbound, 5, lambda _: None)
    assert time.monotonic() - begun < 5


async def test_without_postqueue_it_says_so(
    inbound: Instance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(QueueError, match="No such file"):
        await read(inbound, 5, lambda _: None)


async def test_a_large_queue_is_never_held_as_a_whole(queued: Queued, inbound: Instance) -> None:
    number = 20_000
    queued.hold("in", "A1", "shop@alias.example", reason=REFUSED)
    one = queued.base / "in" / "queue" / "A1"
    one.rename(queued.base / "one")
    queued.program("postqueue", f'#!/bin/sh\nyes "$(cat {queued.base}/one)" | head -n {number}\n')
    summary = Summary("in", time.time() + 90)
    tracemalloc.start()
    await read(inbound, 60, summary.add)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert summary.messages == {"deferred": number}
    assert peak < 4 << 20


def test_a_summary_counts_by_queue_age_and_reason() -> None:
    now = 1_000_000
    summary = Summary("out", now)
    for queue, age, reasons in (
        ("active", 10, [None]),
        ("deferred", 61, [None, GREYLISTED]),
        ("deferred", 8000, ["connect to mx[198.51.100.9]:25: Connection refused", GREYLISTED]),
        ("deferred", -5, [None]),
    ):
        recipients = tuple(Recipient("x@mailbox.example", reason) for reason in reasons)
        summary.add(Message(queue, "A1", now - age, 1, "", recipients))
    assert summary.messages == {"active": 1, "deferred": 3}
    assert summary.oldest == {"active": 10, "deferred": 8000}
    assert summary.older == {
        ("deferred", 60): 2, ("deferred", 300): 1, ("deferred", 1800): 1, ("deferred", 7200): 1
    }  # fmt: skip
    assert summary.deferred == {"greylisted": 1, "refused": 1, "other": 1}
