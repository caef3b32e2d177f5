"""Traffic as the Internet sends it: many letters, each from a sender that tries the next MX and tries again.

It is the first half of the ledger (`lab.ledger`): of each letter it keeps what every attempt came to, so
that afterwards there is no doubt about what an exchanger has taken responsibility for. All that is random is
drawn from a seed; only the name of the run is new each time, so that no two runs take each other's mail.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from lab.settings import LAB, SENDER_DOMAIN, LabHost
from lab.traffic_session import Attempt, Letter, attempt

PERMANENT = 500
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses between two rounds through the MX hosts; the last one is repeated."""

WORDS = (
    "meeting",
    "moved",
    "to",
    "Thursday",
    "the",
    "agenda",
    "is",
    "below",
    "please",
    "answer",
    "by",
    "noon",
)


@dataclass(frozen=True)
class Address:
    """An alias and the mailboxes behind it."""

    alias: str
    mailboxes: tuple[str, ...]


ALIASES, WITH_ONE_MAILBOX = 50, 40


def _address(number: int) -> Address:
    name = f"load{number:02}"
    mailboxes = (f"{name}@mailbox.example", f"{name}@post.example")
    return Address(f"{name}@alias.example", mailboxes[:1] if number <= WITH_ONE_MAILBOX else mailboxes)


ADDRESSES = tuple(_address(number) for number in range(1, ALIASES + 1))
"""The aliases of inventory/aliases.yml that are there for load; many, so that no limit is met."""


@dataclass(frozen=True)
class Load:
    """How much is sent, and how.

    rate: letters begun in a second. connections: sessions open at the same time (an exchanger admits 50
    from one address). patience_seconds: when a sender gives a letter up, counted from its first attempt.
    burst: how many letters begin at the same moment; the rate stays what it is. order: asked before each
    round, which hosts to try one after the other; without it every letter draws its own order and keeps it.
    large_share: the part of the letters that has `large_bytes`, the others have `small_bytes`.
    """

    messages: int = 300
    rate: float = 20.0
    connections: int = 40
    seed: int = 1
    patience_seconds: float = 150.0
    small_bytes: int = 4_096
    large_bytes: int = 51_200
    large_share: float = 0.1
    hosts: tuple[LabHost, ...] = LAB.hosts
    burst: int = 1
    order: Callable[[], Awaitable[Sequence[LabHost]]] | None = None


@dataclass
class Sent:
    """One letter, and what its attempts came to.

    due: when its first attempt was to begin, in seconds since 1970; it begins later where all connections are
    taken, and that wait is the exchangers' doing as well.
    """

    letter: Letter
    address: Address
    attempts: list[Attempt] = field(default_factory=list)
    due: float = 0.0

    @property
    def accepted(self) -> Attempt | None:
        """The attempt that an exchanger has answered with 250 to the whole message."""
        return next((one for one in self.attempts if one.accepted), None)

    @property
    def refused(self) -> Attempt | None:
        """The attempt that was answered for good (5xx)."""
        return next((one for one in self.attempts if one.code is not None and one.code >= PERMANENT), None)

    @property
    def unknown(self) -> int:
        """Attempts that sent the end of the message and saw no answer: each may have delivered it."""
        return sum(one.unknown for one in self.attempts)


class Journal:
    """What has been sent so far in a run; read from other threads while it grows."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.sent: list[Sent] = []

    @property
    def accepted(self) -> int:
        """Letters accepted so far."""
        return sum(one.accepted is not None for one in list(self.sent))


def new_run() -> str:
    """A name that stands in the senders of this run's letters and in no others'."""
    return f"led{secrets.token_hex(4)}"


def _body(size: int, draw: random.Random) -> bytes:
    lines, length = [], 0
    while length < size:
        line = " ".join(draw.choices(WORDS, k=10)).encode() + b".\r\n"
        lines.append(line)
        length += len(line)
    return b"".join(lines)


def _letter(run: str, number: int, address: Address, size: int, draw: random.Random) -> Letter:
    ident = f"{run}-{number:05}"
    sender = f"{ident}@{SENDER_DOMAIN}"
    fields = (
        f"From: {sender}",
        f"To: {address.alias}",
        f"Subject: Letter {ident}",
        f"Message-ID: <{ident}@{SENDER_DOMAIN}>",
        time.strftime("Date: %a, %d %b %Y %H:%M:%S +0000", time.gmtime()),
        "",
        "",
    )
    return Letter(ident, sender, address.alias, "\r\n".join(fields).encode() + _body(size, draw))


def composed(load: Load, run: str, addresses: Sequence[Address] = ADDRESSES) -> Iterator[Sent]:
    """The letters of a run, each written when it is asked for: the aliases in turn, in an order drawn from
    the seed."""
    draw = random.Random(load.seed)  # noqa: S311 - repeatable, not secret
    order = list(addresses)
    draw.shuffle(order)
    for number in range(load.messages):
        address = order[number % len(order)]
        size = load.large_bytes if draw.random() < load.large_share else load.small_bytes
        yield Sent(_letter(run, number, address, size, draw), address)


def compose(load: Load, run: str, addresses: Sequence[Address] = ADDRESSES) -> list[Sent]:
    """All of them at once, none of them sent yet."""
    return list(composed(load, run, addresses))


async def _send(sent: Sent, load: Load, draw: random.Random) -> None:
    """Try every MX in turn and again after a pause, until an answer is final or patience has gone.

    Where nobody gives the order both exchangers are tried first equally often: a fault of either one then
    meets traffic.
    """
    hosts: Sequence[LabHost] = draw.sample(load.hosts, len(load.hosts))
    give_up = time.monotonic() + load.patience_seconds
    for round_number in count():
        if load.order is not None:
            hosts = await load.order()
        for host in hosts:
            sent.attempts.append(await attempt(host, sent.letter))
            if sent.accepted or sent.refused:
                return
        pause = BACKOFF_SECONDS[min(round_number, len(BACKOFF_SECONDS) - 1)] * draw.uniform(0.8, 1.2)
        if time.monotonic() + pause > give_up:
            return
        await asyncio.sleep(pause)


async def send_all(
    letters: Iterable[Sent], load: Load, journal: Journal, going: Callable[[], bool] = lambda: True
) -> None:
    """Send `letters` at the load's rate, as long as `going` says so; each is in the journal from its first
    attempt on."""
    draw = random.Random(f"{load.seed} order")  # noqa: S311 - repeatable, not secret
    slots = asyncio.Semaphore(load.connections)
    started, epoch = time.monotonic(), time.time()

    async def one(sent: Sent, own_draw: random.Random) -> None:
        try:
            await _send(sent, load, own_draw)
        finally:
            slots.release()

    async with asyncio.TaskGroup() as group:
        for number, sent in enumerate(letters):
            due = started + (number - number % load.burst) / load.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await slots.acquire()
            if not going():
                return
            sent.due = epoch + due - started
            journal.sent.append(sent)
            group.create_task(one(sent, random.Random(draw.random())))  # noqa: S311
