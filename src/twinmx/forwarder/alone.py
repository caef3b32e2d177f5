"""One message at a time, and some work for each: the mail handler of 2021. Only to replay it.

"We ended up using a lock that defeats the purpose of the async model" (post-mortem of August 2020, of the
handler that came after it), and a letter took 0.3 s on average (post-mortem of July 2021). With one such,
what is put off takes as much of a worker as what is delivered: in June 2021 a flood that came again and
again took the workers from everybody. Without the setting a worker handles as many messages at once as
come.
"""

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING

from twinmx.aliases.database.settings import CREDENTIAL
from twinmx.forwarder import settings
from twinmx.program.credentials import load_passwords

if TYPE_CHECKING:
    from twinmx.forwarder.question import Question


class Alone:
    """A context in which there is one message only; entering it takes the turn, and then does some work.

    The work, `seconds` of nothing and the question, comes before the message is looked at: after its delivery
    a deadline that ends would have it sent twice.
    """

    def __init__(self, seconds: float, question: "Question | None" = None) -> None:
        self._seconds = seconds
        self._question = question
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> None:
        """Wait for those before us, then work; what the question raises ends our turn."""
        await self._turn.acquire()
        try:
            await asyncio.sleep(self._seconds)
            if self._question is not None:
                await self._question.ask()
        except BaseException:
            self._turn.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one in."""
        self._turn.release()

    def close(self) -> None:
        """Ask nobody any more."""
        if self._question is not None:
            self._question.close()


def alone_of(wanted: settings.Alone | None) -> Alone | None:
    """As the settings have it; raises `CredentialError`, and `OSError` for an authority that is not there."""
    if wanted is None:
        return None
    if wanted.question is None:
        return Alone(wanted.seconds)
    # the driver is 10 MB in each worker, and only a replay of July 2021 needs it
    from twinmx.forwarder.question import Question  # noqa: PLC0415

    return Alone(wanted.seconds, Question(wanted.question, load_passwords(CREDENTIAL)))
