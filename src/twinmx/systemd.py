"""sd_notify(3) in a few lines: one datagram needs no library with a C extension on every host."""

import asyncio
import os
import socket
from contextlib import suppress


def notify(state: str, *, wait: bool = True) -> None:
    """Tell the service manager `state` (`READY=1`, `STOPPING=1` …); nothing where there is none.

    With `wait` it blocks while the manager does not read, else it raises `BlockingIOError` then.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # a name in the abstract namespace, unix(7)
        address = f"\0{address[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(wait)
        sender.sendto(state.encode(), address)


async def feed_watchdog() -> None:
    """Report life at half the watchdog's interval, from the loop that does the work; see WatchdogSec=.

    A report that the manager does not take is dropped: mail goes on, and the next one may arrive.
    """
    microseconds = int(os.environ.get("WATCHDOG_USEC", "0"))
    while microseconds:
        with suppress(OSError):
            notify("WATCHDOG=1", wait=False)
        await asyncio.sleep(microseconds / 2_000_000)
