"""One worker process: its parts put together, started, and stopped without dropping a message."""

from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry

from twinmx.aliases.snapshot import Snapshot
from twinmx.gate.background import Background
from twinmx.gate.metrics import GateMetrics
from twinmx.gate.reception import Desk
from twinmx.gate.recipients import Recipients
from twinmx.gate.settings import Settings
from twinmx.gate.sparing import Sparing
from twinmx.limits.limiter import Limiter
from twinmx.milter.server import MilterServer
from twinmx.program.life import live
from twinmx.program.web import WebServer
from twinmx.spam.build import chain_of

REFUSAL_LINES_PER_SECOND = 20
BACKGROUND_SECONDS = 1.0  # at a stop, for what was begun after the last answer


class Worker:
    """Worker number `number` of the gate; `key` seals verdicts, `password` is Valkey's."""

    def __init__(self, settings: Settings, key: bytes, password: str, number: int) -> None:
        self._settings = settings
        self._key = key
        self._password = password
        self._number = number
        self._registry = CollectorRegistry()
        self._metrics = GateMetrics(self._registry)
        self._snapshot = Snapshot(settings.aliases.snapshot)
        self._server: MilterServer | None = None

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises `OSError` where a port cannot be had."""
        await live(self._number, self._start)

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        stack.callback(self._snapshot.close)
        chain = chain_of(settings.spam, self._registry)
        stack.push_async_callback(chain.close)
        recipients, background = self._recipients(stack), Background()
        stack.push_async_callback(background.close, BACKGROUND_SECONDS)
        desk = Desk(
            settings.host,
            self._key,
            settings.spam.reject_score,
            recipients,
            chain,
            self._metrics,
            Sparing(REFUSAL_LINES_PER_SECOND),
            background,
        )
        # one byte more than is scanned shows the chain that there is more
        server = self._server = MilterServer(desk.begin, settings.spam.max_scan_bytes + 1)
        self._metrics.connections.set_function(lambda: server.connections)
        web = WebServer(self._registry, self._fault)
        stack.push_async_callback(web.close)
        await web.listen(str(settings.metrics.address), settings.metrics.port_base + self._number)
        stack.push_async_callback(server.stop, settings.deadline.content_seconds)
        await server.listen(str(settings.listen.address), settings.listen.port)

    def _recipients(self, stack: AsyncExitStack) -> Recipients:
        """Limits with an answer other than 550 come after the queue: they are the forwarder's."""
        settings = self._settings
        limiter = None
        if settings.limits.answer == 550:  # noqa: PLR2004 - an SMTP reply
            limiter = Limiter(settings.limits, self._password, self._registry)
            stack.push_async_callback(limiter.close)
        return Recipients(
            self._snapshot,
            limiter,
            disabled_text=settings.recipients.disabled_text,
            mailbox_disabled_text=settings.recipients.mailbox_disabled_text,
            limit_text=settings.limits.text,
            canaries=settings.canaries,
        )

    def _fault(self) -> str | None:
        if self._server is None or not self._server.listening:
            return "not listening"
        return self._snapshot.fault()
