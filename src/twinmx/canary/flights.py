"""When what is sent: to each exchanger on its own, so that one which hangs holds no other up."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from twinmx.canary.book import Book
from twinmx.canary.letter import compose
from twinmx.canary.metrics import CanaryMetrics
from twinmx.canary.sender import Handover, Sender
from twinmx.canary.token import Signer, Token


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two hams through one exchanger, and between two GTUBEs."""

    interval_seconds: float
    gtube_seconds: float


@dataclass(frozen=True, slots=True)
class Home:
    """Who sends: short name, name in SMTP, the alias that leads back here, and the mailbox behind it."""

    name: str
    host: str
    alias: str
    mailbox: str


class Flights:
    """Sends from `home` through the exchangers `vias` (short name → address), until it is cancelled.

    Sessions of one exchanger may overlap, since each is bounded: it is no reason to send less often that an
    exchanger is slow.
    """

    def __init__(
        self,
        home: Home,
        vias: Mapping[str, str],
        pace: Pace,
        *,
        sender: Sender,
        signer: Signer,
        book: Book,
        metrics: CanaryMetrics,
    ) -> None:
        self._home = home
        self._vias = vias
        self._pace = pace
        self._sender = sender
        self._signer = signer
        self._book = book
        self._metrics = metrics
        self._clock = asyncio.get_running_loop().time
        self._gtube_due = dict.fromkeys(vias, self._clock())
        self._gtube_away: set[str] = set()
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Send for ever."""
        async with asyncio.TaskGroup() as group:
            for number, via in enumerate(self._vias):
                offset = self._pace.interval_seconds * number / len(self._vias)
                group.create_task(self._through(via, offset))

    async def _through(self, via: str, offset: float) -> None:
        due = self._clock() + offset
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(due - self._clock())
                group.create_task(self._ham(via))
                if self._gtube_due[via] <= due and via not in self._gtube_away:
                    group.create_task(self._gtube(via))
                # after a standstill of this host it goes on from now: no burst makes up for it
                due = max(due, self._clock() - self._pace.interval_seconds) + self._pace.interval_seconds

    async def _ham(self, via: str) -> None:
        token = Token.new(self._home.name, via, "ham")
        self._book.begin(token)
        answer = await self._hand_over(token)
        if answer.accepted or not self._book.refuse(token):
            self._book.take(token, answer.detail)
            return
        if answer.spam:
            self._metrics.wrong(via, "ham")
        self._log.warning("refused", via=via, id=token.nonce, detail=answer.detail)

    async def _gtube(self, via: str) -> None:
        """Once in a while spam, which must be refused; where nothing was decided it is tried again soon."""
        token = Token.new(self._home.name, via, "gtube")
        self._gtube_away.add(via)
        try:
            answer = await self._hand_over(token)
        finally:
            self._gtube_away.discard(via)
        if answer.accepted or answer.spam:
            self._gtube_due[via] = self._clock() + self._pace.gtube_seconds
        if answer.accepted:
            self._metrics.wrong(via, "gtube")
            self._log.warning("spam was accepted", via=via, id=token.nonce)

    async def _hand_over(self, token: Token) -> Handover:
        home = self._home
        message = compose(token, self._signer, host=home.host, alias=home.alias, mailbox=home.mailbox)
        try:
            return await self._sender.hand_over(self._vias[token.via], home.alias, message)
        except Exception as error:  # a fault of ours through one exchanger must not end the others' flights
            self._log.exception("could not be sent", via=token.via)
            return Handover(False, detail=repr(error))
