"""The milter's server: sessions on a port that several workers share, stopped without dropping a message."""

import asyncio

import structlog

from twinmx.milter.packets import ProtocolError
from twinmx.milter.session import Begin, Session

_READ_AHEAD = 1 << 17
IDLE_SECONDS = 10.0
"""How long a session may say nothing while the server stops.

A transfer agent goes on without us for the rest of a session that we end: whoever is about to send must
still be answered. Longer, and each restart would wait for clients that only keep a connection open.
"""


class MilterServer:
    """Accepts the transfer agent's connections; `keep` is how many bytes of a message a filter is shown."""

    def __init__(self, begin: Begin, keep: int) -> None:
        self._begin = begin
        self._keep = keep
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], Session] = {}

    @property
    def connections(self) -> int:
        """How many sessions are open."""
        return len(self._sessions)

    @property
    def listening(self) -> bool:
        """Whether new sessions are accepted."""
        return self._server is not None and self._server.is_serving()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def listen(self, address: str, port: int) -> None:
        """Accept sessions, beside other workers on the same port; raises `OSError`."""
        self._server = await asyncio.start_server(
            self._serve, address, port, limit=_READ_AHEAD, reuse_port=True, backlog=1024
        )

    async def stop(self, seconds: float, idle_seconds: float = IDLE_SECONDS) -> None:
        """Accept no more, serve open sessions until they end, for `seconds` in all; then end them.

        One that is between two messages for `idle_seconds` is ended too.
        """
        if self._server is not None:
            self._server.close()
        for session in self._sessions.values():
            session.leave(idle_seconds)
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=seconds)
        for task in self._sessions:
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        session = self._sessions[task] = Session(reader, writer, self._begin, self._keep)
        try:
            await session.run()
        except ProtocolError as error:
            structlog.get_logger().error("not the milter protocol", detail=str(error))
        except OSError:
            pass  # the transfer agent has gone, in whatever way
        finally:
            del self._sessions[task]
