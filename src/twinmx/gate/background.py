"""What is done after an answer, so that no sender waits for it: kept hold of, and awaited at a stop."""

import asyncio
from collections.abc import Coroutine

import structlog


class Background:
    """The tasks of one worker that nobody waits for."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()  # the event loop itself forgets what nobody holds

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Begin `work`; a fault in it is logged."""
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, seconds: float) -> None:
        """Let what has begun end within `seconds`, then cancel it."""
        tasks = set(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _logged(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception:
        structlog.get_logger().exception("a task in the background failed")
