"""How the exchangers talk to PostgreSQL: over verified TLS, and never waiting without an end."""

import ssl

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from twinmx.aliases.database.settings import Server, Timing

APPLICATION = "twinmx"
DRIVER = "postgresql+asyncpg"


def _verified(server: Server) -> ssl.SSLContext:
    """The server shows a certificate of our authority for its own name, or nothing is sent to it."""
    context = ssl.create_default_context(cafile=str(server.authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def connect_to(server: Server, timing: Timing, password: str) -> AsyncEngine:
    """An engine for one connection at a time; nothing is sent before it is used.

    Raises `OSError` for an authority file that cannot be read, `ssl.SSLError` for one that is no PEM.
    """
    url = URL.create(DRIVER, server.user, password, server.host, server.port, server.name)
    milliseconds = str(round(timing.statement_seconds * 1000))
    return create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={
            "ssl": _verified(server),
            "timeout": timing.connect_seconds,
            "command_timeout": timing.statement_seconds,
            "server_settings": {
                "application_name": APPLICATION,
                "statement_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
            },
        },
    )
