"""The sender behaves as a real one, and knows exactly how far each attempt came."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Address
from types import SimpleNamespace

import pytest

from lab import traffic, traffic_session
from lab.settings import LabHost
from lab.traffic import ADDRESSES, Journal, Load, Sent, compose, send_all
from lab.traffic_session import Attempt, Letter, Stage, attempt

Script = Callable[[str], str | None]
"""What a host answers to a command (or to "." for the end of a message); None: it hangs up."""

FIRST = LabHost("one", "one", "one.example", IPv4Address("127.0.0.1"), "test")
SECOND = LabHost("two", "two", "two.example", IPv4Address("127.0.0.2"), "test")


def accept(command: str) -> str | None:
    return {"greeting": "220 hello", "DATA": "354 go on", ".": "250 2.0.0 Ok: queued as ABC"}.get(
        command, "250 ok"
    )


def but(command: str, reply: str | None) -> Script:
    return lambda said: reply if said == command else accept(said)


class Server:
    """Answers by script; `messages` are those whose end it has seen."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.messages: list[bytes] = []
        self.sessions = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        command = "greeting"
        while (reply := self._script(command)) is not None and not reader.at_eof():
            writer.write(f"{reply}\r\n".encode())
            if command == "DATA" and reply.startswith("354"):
                self.messages.append((await reader.readuntil(b"\r\n.\r\n"))[:-3])
                command = "."
            else:
                line = (await reader.readline()).decode()
                command = line.split()[0] if line else "gone"
        writer.close()


@asynccontextmanager
async def listening(monkeypatch: pytest.MonkeyPatch, *scripts: Script) -> AsyncIterator[list[Server]]:
    """One server for each script, on 127.0.0.1, 127.0.0.2 …, all on one port."""
    servers = [Server(script) for script in scripts]
    first = await asyncio.start_server(servers[0].serve, "127.0.0.1", 0)
    port = first.sockets[0].getsockname()[1]
    others = [
        await asyncio.start_server(server.serve, f"127.0.0.{number}", port)
        for number, server in enumerate(servers[1:], start=2)
    ]
    monkeypatch.setattr(traffic_session, "SMTP_PORT", port)
    monkeypatch.setattr(traffic, "BACKOFF_SECONDS", (0.01,))
    yield servers
    for listener in (first, *others):
        listener.close()


def letters(count: int = 1) -> list[Sent]:
    return compose(load(count), "led0")


def load(count: int = 1, patience: float = 5.0) -> Load:
    return Load(count, rate=1000, patience_seconds=patience, hosts=(FIRST, SECOND))


async def test_a_letter_arrives_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    (sent,) = letters()
    async with listening(monkeypatch, accept) as (server,):
        done = await attempt(FIRST, sent.letter)

    assert done.accepted
    assert done.queue_id == "ABC"
    assert server.messages == [sent.letter.content]


@pytest.mark.parametrize(
    ("script", "stage", "code", "unknown"),
    [
        pytest.param(but("greeting", "421 busy"), Stage.GREETING, 421, False, id="greeting"),
        pytest.param(but("greeting", None), Stage.GREETING, None, False, id="no greeting"),
        pytest.param(but("RCPT", "451 later"), Stage.RCPT, 451, False, id="recipient deferred"),
        pytest.param(but("DATA", None), Stage.DATA, None, False, id="lost before the content"),
        pytest.param(but(".", "451 later"), Stage.END, 451, False, id="deferred at the end"),
        pytest.param(but(".", None), Stage.END, None, True, id="lost after the end"),
    ],
)
async def test_an_attempt_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch, script: Script, stage: Stage, code: int | None, unknown: bool
) -> None:
    (sent,) = letters()
    async with listening(monkeypatch, script):
        done = await attempt(FIRST, sent.letter)

    assert (done.stage, done.code, done.unknown) == (stage, code, unknown)
    assert not done.accepted


async def test_nobody_there_is_no_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    (sent,) = letters()
    async with listening(monkeypatch, accept):
        done = await attempt(SECOND, sent.letter)

    assert (done.stage, done.code, done.unknown) == (Stage.CONNECT, None, False)


async def test_the_next_mx_takes_what_one_defers(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = letters(20)
    async with listening(monkeypatch, but("RCPT", "451 later"), accept) as (first, second):
        await send_all(sent, load(20), Journal("led0"))

    assert all(one.accepted and one.accepted.host == "two" for one in sent)
    assert first.sessions > 0, "both are asked first in their turn"
    assert len(second.messages) == 20


async def test_it_comes_again_until_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    (sent,) = letters()
    replies = iter(["451 later"] * 5)

    def script(command: str) -> str | None:
        return next(replies, "250 ok") if command == "RCPT" else accept(command)

    async with listening(monkeypatch, script, script):
        await send_all([sent], load(), Journal("led0"))

    assert sent.accepted
    assert len(sent.attempts) == 6


async def test_a_refusal_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    (sent,) = letters()
    async with listening(monkeypatch, but(".", "550 spam"), but(".", "550 spam")):
        await send_all([sent], load(), Journal("led0"))

    assert sent.refused
    assert len(sent.attempts) == 1


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    (sent,) = letters()
    async with listening(monkeypatch, but("RCPT", "451 later"), but("RCPT", "451 later")):
        await send_all([sent], load(patience=0.0), Journal("led0"))

    assert not sent.accepted
    assert not sent.refused
    assert len(sent.attempts) == 2


def test_the_seed_decides_everything_but_the_name_of_the_run() -> None:
    def shape(seed: int, run: str) -> list[tuple[str, int]]:
        return [(one.address.alias, len(one.letter.content)) for one in compose(Load(60, seed=seed), run)]

    assert shape(1, "led0") == shape(1, "led9")
    assert shape(1, "led0") != shape(2, "led0")


def test_every_alias_gets_its_share_and_some_lead_to_two_mailboxes() -> None:
    sent = compose(Load(len(ADDRESSES)), "led0")

    assert {one.address for one in sent} == set(ADDRESSES)
    assert {len(one.address.mailboxes) for one in sent} == {1, 2}
    assert len({one.letter.sender for one in sent}) == len(sent)


class Clock:
    """Time that only an attempt takes: so many seconds each."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.now = 0.0
        self.began: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 5000.0 + self.now

    async def attempt(self, host: LabHost, _: Letter) -> Attempt:
        self.began.append(self.time())
        self.now += self._seconds
        await asyncio.sleep(0)
        return Attempt(host.alias, self.began[-1], self.time(), Stage.END, 250, "ok")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(10.0)
    ours = {**vars(time), "monotonic": made.monotonic, "time": made.time}
    monkeypatch.setattr(traffic, "time", SimpleNamespace(**ours))
    monkeypatch.setattr(traffic, "attempt", made.attempt)
    return made


async def test_a_letter_is_due_when_it_would_begin_were_a_connection_free(clock: Clock) -> None:
    sent = letters(4)

    await send_all(sent, replace(load(4), rate=100, connections=1), Journal("led0"))

    assert clock.began == [5000.0, 5010.0, 5020.0, 5030.0]
    assert [one.due for one in sent] == pytest.approx([5000.0, 5000.01, 5000.02, 5000.03])


async def test_the_letters_of_a_burst_are_due_at_once(clock: Clock) -> None:
    sent = letters(6)

    await send_all(sent, replace(load(6), rate=100, burst=3), Journal("led0"))

    assert [one.due for one in sent] == pytest.approx([5000.0] * 3 + [5000.03] * 3)


async def test_no_letter_begins_once_it_is_over(clock: Clock) -> None:
    sent, journal = letters(20), Journal("led0")

    await send_all(sent, replace(load(20), connections=2), journal, lambda: len(journal.sent) < 5)

    assert journal.sent == sent[:5]
    assert all(one.accepted for one in journal.sent), "those under way go on"
    assert not any(one.attempts or one.due for one in sent[5:])


async def test_a_letter_that_waits_for_a_connection_when_it_is_over_does_not_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = asyncio.Event()

    async def taken_at_the_end(host: LabHost, _: Letter) -> Attempt:
        await over.wait()
        return Attempt(host.alias, 0.0, 1.0, Stage.END, 250, "ok")

    monkeypatch.setattr(traffic, "attempt", taken_at_the_end)
    sent, journal = letters(3), Journal("led0")
    one_at_a_time = replace(load(3), connections=1, burst=3)
    sending = asyncio.create_task(send_all(sent, one_at_a_time, journal, lambda: not over.is_set()))
    for _ in range(10):  # turns of the loop: the second letter is due, and waits
        await asyncio.sleep(0)
    over.set()
    await sending

    assert journal.sent == sent[:1]
