"""A mailbox provider with habits: it greylists some recipients and is slow about others.

Postfix asks it about each recipient (SMTPD_POLICY_README, "Protocol description"). It runs on the outside
host alone and only while a test wants it, with the standard library.
"""

import asyncio
import sys
import time
from collections.abc import Callable

GREYLIST_SECONDS = 20.0
"""A letter's first attempts are put off for so long."""

SLOW_SECONDS = 8.0
PUT_OFF = "DEFER_IF_PERMIT 4.2.0 Greylisted, try again later"
GO_ON = "DUNNO"


class Habits:
    """Recipients by how they begin or end: greylisted ones, and slow ones."""

    def __init__(self, greylisted: str, slow: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._greylisted = tuple(greylisted.split(","))
        self._slow = tuple(slow.split(","))
        self._clock = clock
        self._first_seen: dict[tuple[str, str], float] = {}

    def answer(self, sender: str, recipient: str) -> tuple[float, str]:
        """How long the answer takes in seconds, and the answer."""
        if recipient.startswith(self._greylisted):
            now = self._clock()
            first = self._first_seen.setdefault((sender, recipient), now)
            if now - first < GREYLIST_SECONDS:
                return 0.0, PUT_OFF
        return SLOW_SECONDS if recipient.endswith(self._slow) else 0.0, GO_ON

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the questions of one connection: name=value lines up to an empty one."""
        asked: dict[str, str] = {}
        while line := (await reader.readline()).decode(errors="replace"):
            name, _, value = line.rstrip("\n").partition("=")
            if name:
                asked[name] = value
                continue
            seconds, answer = self.answer(asked.get("sender", ""), asked.get("recipient", ""))
            await asyncio.sleep(seconds)
            writer.write(f"action={answer}\n\n".encode())
        writer.close()


async def _main(port: int, habits: Habits) -> None:
    server = await asyncio.start_server(habits.serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), Habits(sys.argv[2], sys.argv[3])))
