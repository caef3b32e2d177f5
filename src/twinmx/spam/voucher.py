"""Whether an engine can be believed when it says spam: it must let good mail of our own pass.

An update can make an engine take everything for spam (SpamAssassin's FH_DATE_PAST_20XX, 2010). It answers
quickly and well-formed then, so no deadline and no breaker sees it, and a refusal in the session is final. So
before a verdict of spam counts, the engine is shown a letter of which we know what it is.
"""

import asyncio
from email.utils import formatdate, make_msgid

from twinmx.spam.engine import Engine, EngineError
from twinmx.spam.sample import Context, Sample

BELIEVED_SECONDS = 2.0
"""How long one good answer stands: what a sudden change of mind can cost, against a scan for each spam."""

_LETTER = (
    "From: Anna Example <anna@{domain}>\r\n"
    "To: Ben Example <ben@{domain}>\r\n"
    "Subject: Minutes of yesterday's meeting\r\n"
    "Date: {date}\r\n"
    "Message-ID: {ident}\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=us-ascii\r\n"
    "\r\n"
    "Hello Ben,\r\n"
    "\r\n"
    "we agreed to move the next meeting to Thursday at ten. Please read the draft\r\n"
    "before then and tell me what is missing. The rest can wait until next month.\r\n"
    "\r\n"
    "Anna\r\n"
)
_DOMAIN = "example.org"


def ham() -> Sample:
    """A letter that nobody takes for spam, of this moment."""
    text = _LETTER.format(domain=_DOMAIN, date=formatdate(), ident=make_msgid(domain=_DOMAIN))
    return Sample(text.encode(), partial=False)


class Voucher:
    """Shows an engine good mail of ours. From `reject_score` on a message is spam."""

    def __init__(self, engine: Engine, reject_score: float) -> None:
        self._engine = engine
        self._reject_score = reject_score
        self._believed_until = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    async def vouch(self, score: float) -> None:
        """Let a verdict pass; one of spam only where the engine tells good mail from it.

        Raises EngineError, `mistaken` where it does not.
        """
        if score < self._reject_score:
            return
        async with self._one_at_a_time:
            if asyncio.get_running_loop().time() >= self._believed_until:
                await self.ask()

    async def ask(self) -> None:
        """Show it a letter now; raises EngineError, `mistaken` where it takes that for spam."""
        self.forget()
        answer = await self._engine.scan(ham(), Context())
        if answer.score >= self._reject_score:
            raise EngineError("mistaken", f"it gives {answer.score:g} points to good mail of our own")
        self._believed_until = asyncio.get_running_loop().time() + BELIEVED_SECONDS

    def forget(self) -> None:
        """Believe it no more until it is asked again, as after any failure."""
        self._believed_until = float("-inf")
