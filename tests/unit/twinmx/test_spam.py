"""The spam chain against engines that answer, fail and keep silent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.twinmx.peers import Engines
from twinmx.spam.chain import SpamChain
from twinmx.spam.engine import Answer, Engine, EngineError
from twinmx.spam.rspamd import RspamdEngine
from twinmx.spam.sample import Context, Sample, normalise
from twinmx.spam.spamassassin import SpamAssassinEngine
from twinmx.spam.verdict import Scored, Unscanned, Verdict, render

MESSAGE = b"Subject: x\r\n\r\nno newline"
CONTEXT = Context("a@sender.example", ("b@alias.example",), "203.0.113.9", "out", "out.helo", "4bX")
Observed = list[tuple[str, str]]
MakeChain = Callable[..., SpamChain]


@pytest.fixture
def observed() -> Observed:
    return []


@pytest.fixture
async def chain_of(observed: Observed) -> AsyncIterator[MakeChain]:
    chains: list[SpamChain] = []

    def make(*engines: Engine, total: float = 1.0) -> SpamChain:
        chain = SpamChain(
            engines,
            total_seconds=total,
            max_scan_bytes=1 << 16,
            observe=lambda engine, outcome, _seconds: observed.append((engine, outcome)),
        )
        chains.append(chain)
        return chain

    yield make
    for chain in chains:
        await chain.close()


def rspamd(settings: dict[str, Any]) -> RspamdEngine:
    return RspamdEngine(**settings)


def spamd(settings: dict[str, Any]) -> SpamAssassinEngine:
    return SpamAssassinEngine(**settings)


def engine_of(verdict: Verdict) -> str:
    return verdict.engine if isinstance(verdict, Scored) else verdict.reason


async def test_the_first_engine_answers_and_the_second_is_not_asked(
    fake: Engines, chain_of: MakeChain, observed: Observed
) -> None:
    chain = chain_of(rspamd(await fake.rspamd(3.5, ["A", "B"])), spamd(await fake.spamd(9, [])))
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert isinstance(verdict, Scored)
    assert (verdict.engine, verdict.score, verdict.symbols) == ("rspamd", 3.5, ("A", "B"))
    assert observed == [("rspamd", "ok")]
    assert len(fake.requests) == 1


async def test_spamd_gets_a_newline_the_exact_length_and_the_end(fake: Engines) -> None:
    answer = await spamd(await fake.spamd(-1.5, ["BAYES_00", "ALL_TRUSTED"])).scan(
        normalise(MESSAGE, 100), CONTEXT
    )
    assert answer == Answer(-1.5, ["BAYES_00", "ALL_TRUSTED"])
    (request,) = fake.requests  # the fake reads to the end of the sending side
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [b"SYMBOLS SPAMC/1.5", b"Content-length: %d" % len(body)]
    assert body == b"Return-Path: <a@sender.example>\r\n" + MESSAGE + b"\r\n"


async def test_a_late_engine_is_joined_by_the_next(
    fake: Engines, chain_of: MakeChain, observed: Observed
) -> None:
    chain = chain_of(rspamd(await fake.rspamd_fault("silent")), spamd(await fake.spamd(2, [])), total=5.0)
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert engine_of(verdict) == "spamassassin"
    assert 0.2 <= verdict.seconds < 1.0
    assert observed == [("spamassassin", "ok"), ("rspamd", "late")]


async def test_a_late_answer_still_wins_over_a_silent_second(fake: Engines, chain_of: MakeChain) -> None:
    chain = chain_of(
        rspamd(await fake.rspamd(1, [], delay=0.35)), spamd(await fake.spamd_fault("silent")), total=5.0
    )
    assert engine_of(await chain.scan(MESSAGE, CONTEXT)) == "rspamd"


@pytest.mark.parametrize(
    ("fault", "kind"), [("refused", "refused"), ("closing", "error"), ("garbage", "garbage")]
)
async def test_a_failed_engine_is_followed_at_once(
    fake: Engines, chain_of: MakeChain, observed: Observed, fault: str, kind: str
) -> None:
    chain = chain_of(rspamd(await fake.rspamd_fault(fault)), spamd(await fake.spamd(2, [])))
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert engine_of(verdict) == "spamassassin"
    assert verdict.seconds < 0.2
    assert observed == [("rspamd", kind), ("spamassassin", "ok")]


@pytest.mark.parametrize("fault", ["refused", "closing", "garbage", "silent"])
async def test_spamd_failing_is_followed_too(fake: Engines, chain_of: MakeChain, fault: str) -> None:
    chain = chain_of(spamd(await fake.spamd_fault(fault)), rspamd(await fake.rspamd(2, [])))
    assert engine_of(await chain.scan(MESSAGE, CONTEXT)) == "rspamd"


async def test_all_silent_is_unscanned_at_the_deadline(fake: Engines, chain_of: MakeChain) -> None:
    chain = chain_of(
        rspamd(await fake.rspamd_fault("silent")), spamd(await fake.spamd_fault("silent")), total=0.5
    )
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert isinstance(verdict, Unscanned)
    assert verdict.reason == "rspamd:late,spamassassin:late"
    assert 0.5 <= verdict.seconds < 0.7


async def test_no_engine_is_unscanned(chain_of: MakeChain) -> None:
    assert engine_of(await chain_of().scan(MESSAGE, CONTEXT)) == "no-engine"


class Stubborn:
    """An engine with a bug: it raises what it likes, and does not stop when told to."""

    name = "stubborn"
    budget_seconds = 0.05

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def scan(self, _sample: Sample, _context: Context) -> Answer:
        if self.error:
            raise self.error
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
        raise AssertionError

    async def close(self) -> None:
        pass


async def test_a_bug_in_an_engine_is_no_exception_of_the_chain(chain_of: MakeChain) -> None:
    verdict = await chain_of(Stubborn(ZeroDivisionError())).scan(MESSAGE, CONTEXT)
    assert engine_of(verdict) == "stubborn:ZeroDivisionError"


async def test_an_engine_that_ignores_its_end_does_not_move_the_deadline(chain_of: MakeChain) -> None:
    verdict = await chain_of(Stubborn(), total=0.1).scan(MESSAGE, CONTEXT)
    assert engine_of(verdict) == "stubborn:late"
    assert verdict.seconds < 0.3


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


@given(st.binary(max_size=50), st.integers(1, 60))
def test_a_sample_ends_with_a_newline_and_has_no_nul(message: bytes, cap: int) -> None:
    sample = normalise(message, cap)
    assert sample.data.endswith(b"\n")
    assert b"\0" not in sample.data
    assert len(sample.data) <= cap + 2
    assert sample.partial == (len(message) > cap)
    assert sample.data.startswith(message[:cap].replace(b"\0", b""))


def test_the_verdict_field_is_folded_and_safe() -> None:
    symbols = tuple(f"SYMBOL_NUMBER_{number}" for number in range(12))
    field = render(Scored("rspamd", 1.25, (*symbols, "evil;\r\nX: y"), 0.0311, partial=True), 15)
    lines = field.split(b"\r\n")
    assert lines[0] == b"X-Twinmx-Spam: engine=rspamd; score=1.2; reject=15.0; seconds=0.031; partial=yes;"
    assert lines[1].startswith(b"\tsymbols=SYMBOL_NUMBER_0,SYMBOL_NUMBER_1,")
    assert all(line.startswith(b"\t") and len(line) < 80 for line in lines[1:-1])
    joined = b"".join(line.strip() for line in lines[1:-1])
    assert joined == b"symbols=" + b",".join(s.encode() for s in symbols) + b",evil-X:-y"
    assert lines[-1] == b""


def test_no_verdict_says_why() -> None:
    assert render(Unscanned("rspamd:late,x y", 5.0), 15) == (
        b"X-Twinmx-Spam: engine=none; reason=rspamd:late,x-y; seconds=5.000\r\n"
    )
