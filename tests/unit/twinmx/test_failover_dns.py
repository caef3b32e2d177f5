"""The MX records, read and changed at a name server in this process: alone, in a race, and when it fails."""

from collections.abc import AsyncIterator, Callable, Sequence

import dns.rcode
import pytest

from tests.unit.twinmx.failover_dns import DOMAIN, SECRET, NameServer, dns_of
from tests.unit.twinmx.failover_settings import settings
from twinmx.failover.acts import Act
from twinmx.failover.dns import ConflictError, DnsError, Zones
from twinmx.failover.records import Records
from twinmx.failover.state import State

USUAL = ("10 mx1.alias.example.", "20 mx2.alias.example.")
SWAPPED = {"20 mx1.alias.example.", "10 mx2.alias.example."}


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    server = NameServer(*USUAL)
    await server.start()
    yield server
    server.close()


def zones(server: NameServer, secret: str = SECRET) -> Zones:
    made = settings(dns=dns_of(server))
    assert made.dns
    return Zones(made.dns, made.hosts, secret, patience_seconds=0.5)


Told = list[tuple[str, str, str]]


def records(server: NameServer, state: State | Callable[[], State], told: Told | None = None) -> Records:
    """`told` gets what is said for the audit: name, whom, cause."""

    async def tell(acts: Sequence[Act]) -> None:
        if told is not None:
            told.extend((act.name, act.whom, act.cause) for act in acts)

    known = state if callable(state) else lambda: state
    return Records(settings(dns=dns_of(server)).policy, zones(server), known, tell)


async def test_the_order_is_read_and_replaced(server: NameServer) -> None:
    found = await zones(server).read(DOMAIN)
    assert found.order == ("mx1", "mx2")
    assert found.preferences == {"mx1": 10, "mx2": 20}

    await zones(server).replace(DOMAIN, found, ("mx2", "mx1"))

    assert server.lines == SWAPPED
    assert (await zones(server).read(DOMAIN)).order == ("mx2", "mx1")


async def test_of_two_that_change_it_at_once_one_wins(server: NameServer) -> None:
    found = await zones(server).read(DOMAIN)
    await zones(server).replace(DOMAIN, found, ("mx2", "mx1"))

    with pytest.raises(ConflictError):
        await zones(server).replace(DOMAIN, found, ("mx2", "mx1"))

    assert server.updates == 1


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_a_server_that_says_no_is_told(server: NameServer, rcode: dns.rcode.Rcode) -> None:
    found = await zones(server).read(DOMAIN)
    server.refuses = rcode

    with pytest.raises(DnsError, match=f"read: {dns.rcode.to_text(rcode)}"):
        await zones(server).read(DOMAIN)
    with pytest.raises(DnsError, match=f"update: {dns.rcode.to_text(rcode)}"):
        await zones(server).replace(DOMAIN, found, ("mx2", "mx1"))


async def test_a_slow_server_and_none_are_given_up(server: NameServer) -> None:
    server.silent = True
    with pytest.raises(DnsError, match="Timeout"):
        await zones(server).read(DOMAIN)
    server.close()
    with pytest.raises(DnsError, match="127"):
        await zones(server).read(DOMAIN)


async def test_an_update_with_another_key_changes_nothing(server: NameServer) -> None:
    found = await zones(server).read(DOMAIN)

    with pytest.raises(DnsError):
        await zones(server, secret="AAAA" + SECRET[4:]).replace(DOMAIN, found, ("mx2", "mx1"))

    assert server.updates == 0


@pytest.mark.parametrize(
    "lines",
    [
        (*USUAL, "30 backup.elsewhere.example."),
        USUAL[:1],
        ("10 mx1.alias.example.", "10 mx2.alias.example."),
    ],
    ids=["another's", "one missing", "equal"],
)
async def test_a_set_that_is_not_ours_alone_is_left_as_it_is(lines: tuple[str, ...]) -> None:
    server = NameServer(*lines)
    await server.start()
    kept = records(server, State(demoted=frozenset({"mx1"})))

    await kept.look()

    assert server.updates == 0
    assert kept.orders == {DOMAIN: None}
    assert kept.fault
    assert "left as it is" in kept.fault
    server.close()


async def test_records_follow_what_is_remembered(server: NameServer) -> None:
    kept = records(server, State(demoted=frozenset({"mx1"})))

    await kept.look()

    assert server.lines == SWAPPED
    assert kept.orders == {DOMAIN: ("mx2", "mx1")}
    assert kept.preferences == {DOMAIN: {"mx1": 20, "mx2": 10}}
    await records(server, State(restoring=frozenset({(DOMAIN, "mx1")}))).look()
    assert server.lines == set(USUAL)
    await kept.look()
    await kept.look()
    assert server.updates == 3, "what is as it shall be is not written again"


async def test_who_lost_a_race_looks_again(server: NameServer) -> None:
    kept = records(server, State(demoted=frozenset({"mx1"})))
    server.meanwhile = ("10 mx2.alias.example.", "20 mx1.alias.example.")

    await kept.look()
    await kept.look()

    assert server.updates == 0
    assert kept.orders == {DOMAIN: ("mx2", "mx1")}
    assert kept.fault is None


async def test_while_the_server_is_away_the_pauses_grow_and_the_order_is_unknown(server: NameServer) -> None:
    kept = records(server, State())
    assert await kept.look() == pytest.approx(6 * 0.25), "nothing is in flux"
    server.refuses = dns.rcode.SERVFAIL

    pauses = [await kept.look() for _ in range(10)]

    assert pauses[:3] == pytest.approx([0.5, 1, 2])
    assert pauses[-1] == 60
    assert kept.orders == {DOMAIN: None}
    assert kept.unread == {DOMAIN}
    server.refuses = None
    await kept.look()
    assert kept.fault is None
    assert kept.unread == set()


DEMOTED = State(demoted=frozenset({"mx1"}))


async def test_what_a_server_refuses_is_said_once_and_again_when_it_is_done(server: NameServer) -> None:
    told: Told = []
    kept = records(server, DEMOTED, told)
    server.refuses_updates = dns.rcode.REFUSED

    for _ in range(3):
        await kept.look()

    assert told == [("mx not changed", DOMAIN, "could not be done: 127.0.0.1: update: REFUSED")]
    assert kept.fault == "127.0.0.1: update: REFUSED"
    server.refuses_updates = None
    for _ in range(3):
        await kept.look()
    assert told[1:] == [("mx changed", DOMAIN, "mx2, mx1; it was mx1, mx2")]
    assert kept.fault is None


async def test_where_nothing_is_decided_a_server_that_is_away_is_a_fault_and_no_act(
    server: NameServer,
) -> None:
    told: Told = []
    idle, done = records(server, State(), told), records(server, DEMOTED, told)
    await done.look()
    told.clear()
    server.refuses = dns.rcode.SERVFAIL

    for kept in (idle, done):
        await kept.look()
        assert kept.fault

    assert told == []


async def test_what_is_decided_while_the_server_is_away_is_said_even_if_it_was_never_read(
    server: NameServer,
) -> None:
    told: Told = []
    kept = records(server, DEMOTED, told)
    server.refuses = dns.rcode.SERVFAIL
    await kept.look()
    server.mx = dns.rrset.from_text("alias.example.", 300, "IN", "MX", *SWAPPED)
    server.refuses = None
    await kept.look()

    assert told == [
        ("mx not changed", DOMAIN, "cannot be seen or done: 127.0.0.1: read: SERVFAIL"),
        ("mx found", DOMAIN, "as decided: mx2, mx1"),
    ]
    assert server.updates == 0


async def test_what_was_taken_back_before_it_was_done_is_not_called_done(server: NameServer) -> None:
    told: Told = []
    state = DEMOTED
    kept = records(server, lambda: state, told)
    server.refuses_updates = dns.rcode.SERVFAIL
    await kept.look()
    state = State(restoring=frozenset({(DOMAIN, "mx1")}))
    await kept.look()

    assert [name for name, _, _ in told] == ["mx not changed", "mx found"]
    assert kept.fault is None
