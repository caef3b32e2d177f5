"""The life of a worker process: told to stop by a signal, watched by systemd, its loop's errors logged."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog

from twinmx.systemd import feed_watchdog, notify


async def live(worker: int, start: Callable[[AsyncExitStack], Awaitable[None]]) -> None:
    """Start, report READY, serve until SIGTERM or SIGINT, then unwind what `start` put on the stack.

    Raises what `start` raises, `OSError` for a port that cannot be had.
    """
    log = structlog.get_logger()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_loop_error)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        await start(stack)
        notify("READY=1")
        watchdog = asyncio.create_task(feed_watchdog())
        stack.callback(watchdog.cancel)
        log.info("started", worker=worker)
        await stopped.wait()
        notify("STOPPING=1")
        log.info("stopping", worker=worker)
    log.info("stopped", worker=worker)


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    structlog.get_logger().error(
        "event loop", detail=context.get("message"), cause=repr(context.get("exception"))
    )
