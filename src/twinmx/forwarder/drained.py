"""What a worker does while its host is drained: it sends Postfix on to the next entry of its nexthop list.

So a drain changes nothing in Postfix, whose queue would remember a route (August 2020), and its end neither.
"""

import asyncio
from pathlib import Path

import structlog

from twinmx.failover import lease
from twinmx.smtp.envelope import Reply
from twinmx.smtp.server import Server

LOOK_SECONDS = 1.0
DRAINED = Reply(421, "4.3.2", "this exchanger is drained, use the other one")


async def follow(directory: Path, server: Server, every: float = LOOK_SECONDS) -> None:
    """Turn clients of `server` away while the lease in `directory` holds; ends when it is cancelled."""
    drained = False
    while True:
        if lease.in_force(directory) is not drained:
            drained = not drained
            server.turn_away(DRAINED if drained else None)
            structlog.get_logger().info("drained" if drained else "no longer drained")
        await asyncio.sleep(every)
