"""Where the messages end: an SMTP server that takes the canary's own and refuses everything else.

Exchangers alone reach it: their packet filter says so, and RCPT does. It refuses for good, never for now, so
that nothing of ours waits in a queue.
"""

import asyncio
from collections.abc import Collection
from ipaddress import ip_address

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from twinmx import headers
from twinmx.canary.book import Book
from twinmx.canary.metrics import CanaryMetrics
from twinmx.canary.token import HEADER, Signer, Token
from twinmx.spam import verdict as verdicts

_TAKEN = "250 2.0.0 thanks"
_NO_MAILBOX = "550 5.1.1 no such mailbox"
_NOT_OURS = "550 5.7.1 not one of ours"
_MOST_BYTES = 1 << 18
_IDLE_SECONDS = 30.0


class Listener:
    """Takes messages to `mailbox` that the host `name` has sent, from `clients`."""

    def __init__(
        self,
        *,
        name: str,
        greeting: str,
        mailbox: str,
        clients: Collection[str],
        reject_score: float,
        signer: Signer,
        book: Book,
        metrics: CanaryMetrics,
    ) -> None:
        self._name = name
        self._greeting = greeting
        self._mailbox = mailbox
        self._clients = frozenset(map(ip_address, clients))
        self._reject_score = reject_score
        self._signer = signer
        self._book = book
        self._metrics = metrics
        self._server: asyncio.Server | None = None
        self._log = structlog.get_logger()

    @property
    def listening(self) -> bool:
        """Whether messages can arrive."""
        return self._server is not None and self._server.is_serving()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def listen(self, address: str, port: int) -> None:
        """Accept sessions; raises `OSError`."""
        self._server = await asyncio.get_running_loop().create_server(self._session, address, port)

    def close(self) -> None:
        """Accept no more."""
        if self._server is not None:
            self._server.close()

    def _session(self) -> SMTP:
        return SMTP(
            self,
            hostname=self._greeting,
            ident="twinmx canary",
            data_size_limit=_MOST_BYTES,
            timeout=_IDLE_SECONDS,
        )

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer RCPT."""
        client = ip_address(session.peer[0]) if session.peer else None
        if client not in self._clients or address.lower() != self._mailbox:
            return _NO_MAILBOX
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Answer the end of a message."""
        message = envelope.content or b""
        if isinstance(message, str):
            message = message.encode()
        token = self._token(message)
        if token is None:
            self._log.warning("not one of ours", client=session.peer and session.peer[0])
            return _NOT_OURS
        if self._book.arrive(token):
            self._judge(token, message)
        else:
            self._log.info("arrived late, or unasked", via=token.via, letter=token.letter, id=token.nonce)
        return _TAKEN

    def _token(self, message: bytes) -> Token | None:
        """The one token of the message that this host has written; nobody else can have."""
        found = [
            self._signer.read(value.decode("ascii", "replace")) for value in headers.values(message, HEADER)
        ]
        ours = [token for token in found if token is not None and token.home == self._name]
        return ours[0] if len(found) == len(ours) == 1 else None

    def _judge(self, token: Token, message: bytes) -> None:
        found = [verdicts.read(value) for value in headers.values(message, verdicts.HEADER)]
        if any(verdict and verdicts.is_spam(verdict, self._reject_score) for verdict in found):
            self._metrics.wrong(token.via, token.letter)
            self._log.warning("ham marked as spam", via=token.via, id=token.nonce)
