"""Streams begin and end with the phases, each with a run and a ledger of its own."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import pytest

from drills.lib import flow
from drills.lib.flow import FLOODED, Flow, Flows
from drills.lib.model import Stream
from inventory.load import load_exchange
from lab import traffic, waiting
from lab.errors import LabError
from lab.settings import LAB, ROOT, LabHost
from lab.traffic import ADDRESSES
from lab.traffic_session import Attempt, Letter
from lab.waiting import until
from tests.unit.drills.made import FLOOD, USERS, attempt
from twinmx.aliases.inventory import load_aliases

FAST = Stream("fast", 500.0, connections=4, small_bytes=0, large_bytes=0)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many letters as a test needs, and no DNS."""
    monkeypatch.setattr(flow, "SPARE_SECONDS", 2.0)
    monkeypatch.setattr(flow, "MxOrder", lambda *_: _as_they_stand)
    monkeypatch.setattr(waiting, "PAUSE", 0.001)


async def _as_they_stand() -> Sequence[LabHost]:
    return LAB.hosts


async def _taken(host: LabHost, _: Letter) -> Attempt:
    await asyncio.sleep(0)
    return attempt(0, host.alias)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flow]:
    """A flow whose letters are taken at once."""
    monkeypatch.setattr(traffic, "attempt", _taken)
    made = Flow(FAST, 1, 1.0)
    made.begin()
    yield made
    made.end()


def test_letters_are_begun_from_the_begin_to_the_end(begun: Flow) -> None:
    until(lambda: len(begun.letters) >= 3, 10, "letters")
    begun.end()
    begun.wait()

    at_its_end = len(begun.letters)
    assert 3 <= at_its_end < 1500
    assert all(sent.accepted and sent.due for sent in begun.letters)
    numbers = [int(sent.letter.ident.rpartition("-")[2]) for sent in begun.letters]
    assert numbers == list(range(at_its_end))


def test_nothing_flows_before_the_begin() -> None:
    made = Flow(FAST, 1, 1.0)

    made.wait()

    assert not made.letters


def test_there_are_letters_for_all_phases_and_what_they_may_take_besides() -> None:
    assert len(list(Flow(FAST, 1, 1.0)._letters)) == 500 * 3


def test_what_breaks_the_senders_is_raised_where_they_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("no more sockets")

    monkeypatch.setattr(flow, "send_all", broken)
    made = Flow(FAST, 1, 1.0)
    made.begin()

    with pytest.raises(RuntimeError, match="no more sockets"):
        made.wait()


def test_senders_without_end_are_no_end_of_the_drill(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    async def endless(*_: object) -> None:
        await asyncio.to_thread(over.wait)

    monkeypatch.setattr(flow, "send_all", endless)
    monkeypatch.setattr(flow, "GIVING_UP_SECONDS", 0.0)
    made = Flow(replace(FAST, name="endless", patience_seconds=0.0), 1, 1.0)
    made.begin()

    with pytest.raises(LabError, match="senders of endless at their end"):
        made.wait()
    monkeypatch.undo()
    over.set()
    made.wait()


def test_a_stream_is_as_its_drill_has_it() -> None:
    stream = Stream("s", 7.0, burst=3, connections=9, small_bytes=100, large_bytes=200, patience_seconds=30.0)

    load = Flow(stream, 42, 1.0)._load

    assert (load.rate, load.burst, load.connections, load.seed) == (7.0, 3, 9, 42)
    assert (load.small_bytes, load.large_bytes, load.patience_seconds) == (100, 200, 30.0)


@pytest.mark.parametrize(
    ("stream", "to"),
    [
        pytest.param(FAST, set(ADDRESSES), id="users"),
        pytest.param(replace(FAST, to="flooded"), set(FLOODED), id="flooded"),
        pytest.param(
            replace(FAST, domain="mailbox.example"),
            {one for one in ADDRESSES if len(one.mailboxes) == 1},
            id="a domain, and no alias that leads to another as well",
        ),
    ],
)
def test_letters_go_to_every_alias_that_is_meant(stream: Stream, to: set[traffic.Address]) -> None:
    assert {sent.address for sent in Flow(stream, 1, 0.0)._letters} == to


def test_the_aliases_are_those_of_the_lab() -> None:
    exchange = load_exchange(ROOT / "inventory" / "exchange.yml")
    there = {one.address: one for one in load_aliases(ROOT / exchange.aliases_file, exchange.domains)}

    for one in (*ADDRESSES, *FLOODED):
        assert tuple(there[one.alias].mailboxes) == one.mailboxes
    accounts = {there[one.alias].account for one in FLOODED}
    assert len(accounts) == 1
    assert None not in accounts


def flows() -> Flows:
    return Flows.of((replace(USERS, rate=2.0), replace(FLOOD, rate=2.0)), 7, 1.0)


def test_each_stream_is_a_run_of_its_own() -> None:
    users, flood = flows().all

    assert users.journal.run != flood.journal.run
    assert users.seed != flood.seed
    senders = [{sent.letter.sender for sent in one._letters} for one in (users, flood)]
    assert not senders[0] & senders[1]
    assert all(users.journal.run in sender for sender in senders[0])


@pytest.mark.parametrize(("throughout", "name"), [(True, "users"), (False, "flood")])
def test_a_phase_has_its_streams(throughout: bool, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(Flow, "begin", lambda self: told.append(f"{self.stream.name} begins"))
    monkeypatch.setattr(Flow, "end", lambda self: told.append(f"{self.stream.name} ends"))

    def broken_off() -> None:
        with flows().flowing(throughout=throughout):
            told.append("in between")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()

    assert told == [f"{name} begins", "in between", f"{name} ends"]


def test_only_bystanders_delays_count() -> None:
    made = flows()
    for one in made.all:
        one.journal.sent += islice(one._letters, 3)

    assert made.bystanders == made.all[0].journal.sent


def test_the_display_tells_of_all_letters() -> None:
    made = flows()
    for one in made.all:
        one.journal.sent += islice(one._letters, 3)
    made.all[1].letters[0].attempts.append(attempt(0))

    assert made.so_far() == "6 letters begun, 1 accepted"
