"""Questions and answers between agents: what is forged, old, or meant for others counts for nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from twinmx.failover.promise import PATH, Answer, Asker, Doorkeeper, PromiseError, Question

KEYS, OTHER = (b"k" * 32, b"l" * 32), (b"x" * 32,)
Serve = Callable[[Callable[[bytes], bytes]], Awaitable[str]]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[TestServer] = []

    async def start(answer: Callable[[bytes], bytes]) -> str:
        async def handle(request: web.Request) -> web.Response:
            return web.Response(body=answer(await request.read()))

        application = web.Application()
        application.router.add_post(PATH, handle)
        servers.append(TestServer(application))
        await servers[-1].start_server()
        return str(servers[-1].make_url("/")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


def door(why: str | None = None, keeper: Doorkeeper | None = None) -> Callable[[bytes], bytes]:
    keeper = keeper or Doorkeeper("mx2", KEYS)

    def answer(text: bytes) -> bytes:
        return keeper.answer(keeper.admit(text), why).model_dump_json().encode()

    return answer


@pytest.mark.parametrize("why", [None, "it is draining itself"])
async def test_a_peer_promises_or_says_why_not(
    session: aiohttp.ClientSession, serve: Serve, why: str | None
) -> None:
    answer = await Asker("mx1", KEYS, 60, 1).ask(session, "mx2", await serve(door(why)))

    assert (answer.granted, answer.why) == (why is None, why or "")


async def test_keys_may_be_in_rotation(session: aiohttp.ClientSession, serve: Serve) -> None:
    asker = Asker("mx1", KEYS[::-1], 60, 1)

    assert (await asker.ask(session, "mx2", await serve(door()))).granted


async def recorded(session: aiohttp.ClientSession, serve: Serve, asker: Asker) -> tuple[bytes, bytes]:
    seen: list[bytes] = []
    keeper = door()

    def answer(text: bytes) -> bytes:
        seen.extend((text, keeper(text)))
        return seen[1]

    await asker.ask(session, "mx2", await serve(answer))
    return seen[0], seen[1]


def denied(answer: bytes) -> bytes:
    return Answer.model_validate_json(answer).model_copy(update={"granted": False}).model_dump_json().encode()


async def test_an_answer_counts_once_and_as_it_was_signed(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    asker = Asker("mx1", KEYS, 60, 1)
    _, old = await recorded(session, serve, asker)

    for answer in (lambda _: old, lambda text: denied(door()(text)), lambda _: b"yes", lambda _: b"{}"):
        with pytest.raises(PromiseError, match=r"not signed|refused the question"):
            await asker.ask(session, "mx2", await serve(answer))
    with pytest.raises(PromiseError, match="not signed"):
        await Asker("mx1", OTHER, 60, 1).ask(session, "mx2", await serve(door(keeper=_deaf())))


def _deaf() -> Doorkeeper:
    """One that admits everything and answers with our keys."""
    keeper = Doorkeeper("mx2", KEYS)
    keeper.admit = Question.model_validate_json  # type: ignore[method-assign,assignment]
    return keeper


async def test_a_question_counts_once_as_it_was_signed_and_for_its_addressee(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    text, _ = await recorded(session, serve, Asker("mx1", KEYS, 60, 1))
    longer = Question.model_validate_json(text).model_copy(update={"seconds": 6000.0})
    keeper = Doorkeeper("mx2", KEYS)

    assert keeper.admit(text).seconds == 60
    for question, says, whom in (
        (text, "asked before", keeper),
        (longer.model_dump_json().encode(), "not signed", keeper),
        (text, "meant for mx2", Doorkeeper("mx3", KEYS)),
        (text, "not signed", Doorkeeper("mx2", OTHER)),
        (b"\xff", "no question", keeper),
    ):
        with pytest.raises(PromiseError, match=says):
            whom.admit(question)


async def test_nobody_there_is_no_promise(session: aiohttp.ClientSession, unused_tcp_port: int) -> None:
    with pytest.raises(PromiseError, match="mx2 does not answer"):
        await Asker("mx1", KEYS, 60, 1).ask(session, "mx2", f"http://127.0.0.1:{unused_tcp_port}")
