"""Questions and answers between agents: HTTP and JSON on the peer link, each signed with the shared keys.

The question has a nonce that the signature of the answer covers: an old answer, or one to somebody
else, counts for nothing. A question that is played back would get a promise again, which harms nobody but
costs the peer its freedom for a lease; one that this process has seen is therefore refused.
"""

import secrets
from collections import deque
from collections.abc import Sequence
from typing import Annotated

import aiohttp
from pydantic import Field, ValidationError

from twinmx.keyed_hash import is_ours, keyed_hash
from twinmx.program.settings import Table

PATH = "/promise"
_REMEMBERED = 1000

Short = Annotated[str, Field(max_length=300)]


class Question(Table):
    """`asker` wants `peer` to promise that it will not drain for so many seconds."""

    asker: Short
    peer: Short
    seconds: float = Field(gt=0, allow_inf_nan=False)
    nonce: Short
    mark: Short

    def parts(self) -> tuple[str, ...]:
        """What is signed."""
        return ("promise?", self.asker, self.peer, repr(self.seconds), self.nonce)


class Answer(Table):
    """Whether it is promised, and why not."""

    granted: bool
    why: Short = ""
    mark: Short

    def parts(self, question: Question) -> tuple[str, ...]:
        """What is signed: the answer together with what was asked."""
        return ("promise!", *question.parts()[1:], str(self.granted))


class PromiseError(Exception):
    """There is no answer that counts."""


class Doorkeeper:
    """The answering side: which questions count. `keys` are shared by all, the signing one first."""

    def __init__(self, name: str, keys: Sequence[bytes]) -> None:
        self._name = name
        self._keys = keys
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)

    def admit(self, text: bytes) -> Question:
        """Return the question in `text`; raises `PromiseError` for one not for us, or not new."""
        try:
            question = Question.model_validate_json(text)
        except ValidationError as error:
            raise PromiseError(f"no question: {error.errors()[0]['msg']}") from None
        if not is_ours(question.mark, self._keys, *question.parts()):
            raise PromiseError("not signed with a key of ours")
        if question.peer != self._name:
            raise PromiseError(f"meant for {question.peer}")
        if question.nonce in self._seen:
            raise PromiseError("asked before")
        self._seen.append(question.nonce)
        return question

    def answer(self, question: Question, why_not: str | None) -> Answer:
        """Return the signed answer: a promise where there is no `why_not`."""
        unsigned = Answer(granted=why_not is None, why=(why_not or "")[:300], mark="")
        return unsigned.model_copy(update={"mark": keyed_hash(self._keys[0], *unsigned.parts(question))})


class Asker:
    """The asking side."""

    def __init__(self, name: str, keys: Sequence[bytes], seconds: float, patience_seconds: float) -> None:
        self._name = name
        self._keys = keys
        self._seconds = seconds
        self._patience = aiohttp.ClientTimeout(total=patience_seconds)

    async def ask(self, session: aiohttp.ClientSession, peer: str, url: str) -> Answer:
        """Put the question to `peer` at `url` (its agent); raises `PromiseError` where nobody answers."""
        question = self._question(peer)
        try:
            async with session.post(
                f"{url}{PATH}", data=question.model_dump_json(), timeout=self._patience
            ) as response:
                text = await response.content.read(10_000)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise PromiseError(f"{peer} does not answer: {type(error).__name__} {error}".rstrip()) from error
        return self._check(question, text)

    def _question(self, peer: str) -> Question:
        unsigned = Question(
            asker=self._name, peer=peer, seconds=self._seconds, nonce=secrets.token_hex(16), mark=""
        )
        return unsigned.model_copy(update={"mark": keyed_hash(self._keys[0], *unsigned.parts())})

    def _check(self, question: Question, text: bytes) -> Answer:
        try:
            answer = Answer.model_validate_json(text)
        except ValidationError:
            raise PromiseError(f"{question.peer} refused the question: {text[:200]!r}") from None
        if not is_ours(answer.mark, self._keys, *answer.parts(question)):
            raise PromiseError(f"the answer of {question.peer} is not signed for this question")
        return answer
