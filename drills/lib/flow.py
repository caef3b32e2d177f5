"""The traffic of a drill: several streams of letters at once, that begin and end with the phases.

Each stream is a run of its own in the ledger: a flood may be refused while not one letter of the users may.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from drills.lib.model import Stream
from lab.ledger_places import Places
from lab.mx_order import MxOrder
from lab.settings import LAB
from lab.traffic import ADDRESSES, Address, Journal, Load, Sent, composed, new_run, send_all
from lab.waiting import until

FLOODED = tuple(
    Address(f"flood{number:02}@masked.example", ("flood@post.example",)) for number in range(1, 21)
)
"""The aliases of the one account that is flooded (inventory/aliases.yml)."""

SPARE_SECONDS = 900.0
"""What converges, proofs and an operator's steps may take besides the timeline."""

GIVING_UP_SECONDS = 60.0
"""Beyond a stream's patience until its senders have really ended."""


@dataclass
class Flow:
    """A stream under way."""

    stream: Stream
    seed: int
    seconds: float
    journal: Journal = field(init=False)
    places: Places = field(init=False)
    _letters: Iterator[Sent] = field(init=False)
    _going: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _failed: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        name = new_run()
        self.journal = Journal(name)
        self.places = Places(name, time.time())
        to = self._addresses()
        self._load = Load(
            messages=int(self.stream.rate * (self.seconds + SPARE_SECONDS)),
            rate=self.stream.rate,
            connections=self.stream.connections,
            seed=self.seed,
            patience_seconds=self.stream.patience_seconds,
            small_bytes=self.stream.small_bytes,
            large_bytes=self.stream.large_bytes,
            burst=self.stream.burst,
            order=MxOrder(LAB.hosts, LAB.domains[0]),
        )
        self._letters = composed(self._load, name, to)

    def _addresses(self) -> tuple[Address, ...]:
        every = FLOODED if self.stream.to == "flooded" else ADDRESSES
        domain = self.stream.domain
        return tuple(
            one for one in every if domain is None or all(box.endswith(f"@{domain}") for box in one.mailboxes)
        )

    @property
    def letters(self) -> list[Sent]:
        """The letters begun so far."""
        return list(self.journal.sent)

    def begin(self) -> None:
        """Send from a thread of its own from now on."""
        self._going.set()
        self._thread = threading.Thread(target=self._send, name=self.stream.name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Begin no more letters; those under way go on."""
        self._going.clear()

    def wait(self) -> None:
        """Wait until the senders have delivered their letters or given them up; raises what broke them."""
        if self._thread is None:
            return
        thread = self._thread
        seconds = self.stream.patience_seconds + GIVING_UP_SECONDS
        until(lambda: not thread.is_alive(), seconds, f"senders of {self.stream.name} at their end")
        if self._failed:
            raise self._failed[0]

    def _send(self) -> None:
        try:
            asyncio.run(send_all(self._letters, self._load, self.journal, self._going.is_set))
        except BaseException as error:  # told by `wait`, in the thread that asks
            self._failed.append(error)


@dataclass
class Flows:
    """All streams of a drill."""

    all: list[Flow]

    @classmethod
    def of(cls, streams: tuple[Stream, ...], seed: int, seconds: float) -> "Flows":
        """One flow for each stream, none begun."""
        return cls([Flow(stream, seed + number, seconds) for number, stream in enumerate(streams)])

    @contextmanager
    def flowing(self, *, throughout: bool) -> Iterator[None]:
        """Send the streams that flow throughout, or those that flow with the fault, while the block runs."""
        chosen = [flow for flow in self.all if flow.stream.throughout is throughout]
        for flow in chosen:
            flow.begin()
        try:
            yield
        finally:
            for flow in chosen:
                flow.end()

    @property
    def bystanders(self) -> list[Sent]:
        """The letters whose delay counts."""
        return [sent for flow in self.all if flow.stream.bystander for sent in flow.letters]

    def so_far(self) -> str:
        """A few words on the letters, for a display."""
        letters = [sent for flow in self.all for sent in flow.letters]
        accepted = sum(one.accepted is not None for one in letters)
        return f"{len(letters)} letters begun, {accepted} accepted"

    def wait(self) -> None:
        """Wait for all senders."""
        for flow in self.all:
            flow.wait()
