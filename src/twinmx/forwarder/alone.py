"""One message at a time, and some seconds for each: the mail handler of June 2021. Only to replay it.

"We ended up using a lock that defeats the purpose of the async model" (post-mortem of August 2020, of the
handler that came after it), and a letter took 0.3 s on average (post-mortem of July 2021). With one such,
what is put off takes as much of a worker as what is delivered: in June 2021 a flood that came again and
again took the workers from everybody. Without the setting a worker handles as many messages at once as
come.
"""

import asyncio
from types import TracebackType


class Alone:
    """A context in which there is one message only; entering it takes the turn, and then `seconds`.

    The seconds come before the message is looked at: after its delivery a deadline that ends would have it
    sent twice.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> None:
        """Wait for those before us, then for the seconds of our own."""
        await self._turn.acquire()
        try:
            await asyncio.sleep(self._seconds)
        except BaseException:
            self._turn.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one in."""
        self._turn.release()
