"""How the exchangers talk to PostgreSQL: over verified TLS, and never waiting without an end."""

import ssl
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from twinmx.aliases.database.settings import Server, Timing

APPLICATION = "twinmx"
DRIVER = "postgresql+asyncpg"


def verified(server: Server) -> ssl.SSLContext:
    """TLS for which the server shows a certificate of our authority for its own name.

    Raises `OSError` for an authority file that cannot be read, `ssl.SSLError` for one that is no PEM.
    """
    context = ssl.create_default_context(cafile=str(server.authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def connect_to(server: Server, timing: Timing, passwords: Sequence[str]) -> AsyncEngine:
    """An engine for one connection at a time; nothing is sent before it is used.

    Of several `passwords` each is tried until the server takes one: while a password is changed, the server
    has either the old or the new one. Raises `OSError` for an authority file that cannot be read,
    `ssl.SSLError` for one that is no PEM; a connection raises what asyncpg does.
    """
    context = verified(server)
    return create_async_engine(
        f"{DRIVER}://", poolclass=NullPool, async_creator=partial(log_in, server, timing, passwords, context)
    )


async def log_in(
    server: Server, timing: Timing, passwords: Sequence[str], context: ssl.SSLContext
) -> asyncpg.Connection:
    """A connection by the first of `passwords` that the server takes; asyncpg's error where it takes none."""
    milliseconds = str(round(timing.statement_seconds * 1000))
    *others, last = passwords
    login = partial(
        asyncpg.connect,
        host=server.host,
        port=server.port,
        user=server.user,
        database=server.name,
        ssl=context,
        timeout=timing.connect_seconds,
        command_timeout=timing.statement_seconds,
        server_settings={
            "application_name": APPLICATION,
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
        },
    )
    for password in others:
        with suppress(asyncpg.InvalidPasswordError):
            return await login(password=password)
    return await login(password=last)
