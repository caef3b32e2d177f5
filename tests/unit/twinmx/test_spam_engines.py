"""Each engine's protocol, against engines that a test makes; what they are given of a message."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.twinmx.peers import Engines
from tests.unit.twinmx.spamming import CONTEXT, MESSAGE
from twinmx.spam.engine import Answer, EngineError
from twinmx.spam.rspamd import RspamdEngine
from twinmx.spam.sample import Context, normalise
from twinmx.spam.spamassassin import SpamAssassinEngine


def rspamd(settings: dict[str, Any]) -> RspamdEngine:
    return RspamdEngine(**settings)


def spamd(settings: dict[str, Any]) -> SpamAssassinEngine:
    return SpamAssassinEngine(**settings)


async def test_spamd_gets_a_newline_the_exact_length_and_the_end(fake: Engines) -> None:
    answer = await spamd(await fake.spamd(-1.5, ["BAYES_00", "ALL_TRUSTED"])).scan(
        normalise(MESSAGE, 100), CONTEXT
    )
    assert answer == Answer(-1.5, ["BAYES_00", "ALL_TRUSTED"])
    (request,) = fake.requests  # the fake reads to the end of the sending side
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [b"SYMBOLS SPAMC/1.5", b"Content-length: %d" % len(body)]
    assert body == b"Return-Path: <a@sender.example>\r\n" + MESSAGE + b"\r\n"


async def test_spamd_reads_the_trace_that_the_message_will_get(fake: Engines) -> None:
    context = Context("a@sender.example", received=b"Received: from out by mx1\r\n")
    await spamd(await fake.spamd(0, [])).scan(normalise(MESSAGE, 100), context)
    assert (
        b"\r\n\r\nReturn-Path: <a@sender.example>\r\nReceived: from out by mx1\r\nSubject:"
        in fake.requests[0]
    )


async def test_rspamd_over_a_unix_socket(fake: Engines, tmp_path: Path) -> None:
    path = tmp_path / "rspamd.sock"
    server = await asyncio.start_unix_server(fake.rspamd_talk(4.0, ["X"]), path)
    engine = RspamdEngine(budget_seconds=1, socket=path)
    assert (await engine.scan(normalise(MESSAGE, 100), CONTEXT)).score == 4.0
    assert fake.requests[0].startswith(b"POST /checkv2 HTTP/1.1\r\n")
    await engine.close()
    server.close()


async def test_control_characters_do_not_reach_a_request_header(fake: Engines) -> None:
    engine = rspamd(await fake.rspamd(1, []))
    await engine.scan(normalise(MESSAGE, 100), Context(helo="a\r\nPassword: x", sender=""))
    assert b"\r\nHelo: aPassword: x\r\n" in fake.requests[0]
    assert b"\r\nFrom: <>\r\n" in fake.requests[0]
    await engine.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"SPAMD/1.1 76 Bad header line: x\r\n\r\n", "error"),
        (b"SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\n\r\n", "garbage"),
        (b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; many / 5\r\n\r\n", "garbage"),
        (b"", "garbage"),
        (b"x" * 100_000, "garbage"),
    ],
)
async def test_odd_answers_of_spamd(fake: Engines, answer: bytes, kind: str) -> None:
    engine = spamd(await fake.spamd_saying(answer))
    with pytest.raises(EngineError) as caught:
        await engine.scan(normalise(MESSAGE, 100), CONTEXT)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    "body", [b"[]", b'{"score": "NaN"}', b'{"score": null}', b'{"symbols": {}}', b"\xff"]
)
async def test_odd_answers_of_rspamd(fake: Engines, body: bytes) -> None:
    engine = rspamd(await fake.rspamd_saying(body))
    with pytest.raises(EngineError) as caught:
        await engine.scan(normalise(MESSAGE, 100), CONTEXT)
    assert caught.value.kind == "garbage"
    await engine.close()


@pytest.mark.parametrize("message", [b"A: b\r\n", b"A: b", b"A: b\r\nC: d\r\n"])
def test_a_header_is_ended(message: bytes) -> None:
    """Rspamd 3.12.1 gives a message that ends within its header 8 points more than one with an empty body."""
    assert normalise(message, 100).data == message.rstrip(b"\r\n") + b"\r\n\r\n"


@pytest.mark.parametrize("message", [b"A: b\r\n\r\n", b"\r\nbody\r\n", b"A: b\n\nbody\n"])
def test_a_header_with_an_end_gets_no_second_one(message: bytes) -> None:
    assert normalise(message, 100).data == message


@given(st.binary(max_size=50), st.integers(1, 60))
def test_a_sample_ends_with_a_newline_and_has_no_nul(message: bytes, cap: int) -> None:
    sample = normalise(message, cap)
    assert sample.data.endswith(b"\n")
    assert b"\0" not in sample.data
    assert len(sample.data) <= cap + 4
    assert sample.partial == (len(message) > cap)
    assert sample.data.startswith(message[:cap].replace(b"\0", b""))
