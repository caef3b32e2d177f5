"""What counts as bad: each rule at its threshold, without its figures, and compared with the peer."""

import pytest

from tests.unit.twinmx.failover_settings import samples, settings
from twinmx.failover.evidence import CanaryState, Evidence, Neighbour, PeerState, Way
from twinmx.failover.judge import Judge
from twinmx.failover.rules import Readings, Rules
from twinmx.failover.samples import Samples, Window

NOBODY: frozenset[str] = frozenset()


def read(
    evidence: Evidence,
    rules: Rules | None = None,
    bypassed: frozenset[str] = NOBODY,
    *,
    closed: bool = False,
) -> Readings:
    return (rules or Rules(settings())).read(evidence, bypassed, closed=closed)


def queues(text: str, age: float = 1.0) -> Samples:
    return samples(f'twinmx_queue_read_age_seconds{{instance="in"}} {age}\n{text}')


def deliveries(sent: int, deferred: int) -> Samples:
    return queues(
        f'twinmx_deliveries_total{{instance="out",transport="smtp",status="sent"}} {sent}\n'
        f'twinmx_deliveries_total{{instance="out",transport="smtp",status="deferred"}} {deferred}\n'
        'twinmx_deliveries_total{instance="in",transport="fwd",status="deferred"} 9999\n'
    )


def peer(**figures: float) -> dict[str, Neighbour]:
    return {"mx2": Neighbour(PeerState(promises=True, demoted=NOBODY, figures=figures), greets=True)}


def test_one_worker_that_is_well_is_enough() -> None:
    assert read(Evidence(0, forwarders=1, gates=1, greets=True)).drain["forwarders"] is False
    assert read(Evidence(0, forwarders=0, gates=1)).drain["forwarders"] is True
    assert read(Evidence(0, gates=0)).drain["gates"] is True
    assert read(Evidence(0)).drain["postfix"] is True
    assert read(Evidence(0, greets=True)).drain["postfix"] is False


@pytest.mark.parametrize(
    ("text", "age", "bad"),
    [
        ('twinmx_queue_messages_older{instance="in",queue="active",seconds="60"} 51', 1, True),
        ('twinmx_queue_messages_older{instance="in",queue="active",seconds="60"} 50', 1, False),
        ('twinmx_queue_messages_older{instance="in",queue="hold",seconds="60"} 51', 1, None),
        ('twinmx_queue_messages_older{instance="out",queue="active",seconds="60"} 51', 1, None),
        ('twinmx_queue_messages_older{instance="in",queue="active",seconds="60"} 51', 121, None),
    ],
    ids=["above", "at the threshold", "held", "waits for others", "long ago"],
)
def test_what_waits_for_us_is_counted(text: str, age: float, bad: bool | None) -> None:
    assert read(Evidence(0, queues=queues(text, age))).drain["pending"] is bad


def test_a_queue_is_empty_only_where_it_was_seen_so() -> None:
    empty = "\n".join(
        f'twinmx_queue_messages{{instance="in",queue="{queue}"}} 0' for queue in ("incoming", "active")
    )
    assert read(Evidence(0, queues=queues(empty))).queue_empty
    assert not read(Evidence(0, queues=queues(empty.replace("} 0", "} 1", 1)))).queue_empty
    assert not read(Evidence(0, queues=queues(empty, age=1000))).queue_empty
    assert not read(Evidence(0)).queue_empty


@pytest.mark.parametrize(
    ("free_bytes", "inodes", "bad"),
    [(999, 100, True), (1000, 99, True), (1000, 100, False), (1000, "+Inf", False)],
)
def test_a_full_disk_is_bad_however_old_the_reading(free_bytes: int, inodes: object, bad: bool) -> None:
    text = (
        f'twinmx_queue_free_bytes{{instance="in"}} {free_bytes}\n'
        f'twinmx_queue_free_inodes{{instance="in"}} {inodes}\n'
        'twinmx_queue_free_bytes{instance="out"} 1e9'
    )
    assert read(Evidence(0, queues=queues(text, age=1000))).drain["disk"] is bad


@pytest.mark.parametrize(
    ("ours", "theirs", "bad"),
    [
        ((10, 10), {"deliveries": 100, "deferred": 10}, True),
        ((11, 9), {"deliveries": 100, "deferred": 10}, False),
        ((10, 9), {"deliveries": 100, "deferred": 10}, None),
        ((10, 10), {"deliveries": 100, "deferred": 25}, False),
        ((10, 10), {"deliveries": 4, "deferred": 0}, None),
        ((10, 10), {}, None),
    ],
    ids=["bad", "below the share", "too few", "the peer has it too", "the peer sends nothing", "unknown"],
)
def test_deferrals_count_where_the_peer_has_none(
    ours: tuple[int, int], theirs: dict[str, float], bad: bool | None
) -> None:
    rules = Rules(settings())
    read(Evidence(0, queues=deliveries(1000, 1000), peers=peer(**theirs)), rules)
    later = deliveries(1000 + ours[0], 1000 + ours[1])

    readings = read(Evidence(5, queues=later, peers=peer(**theirs)), rules)

    assert readings.drain["deferrals"] is bad
    assert readings.figures == {"deliveries": sum(ours), "deferred": ours[1]}


@pytest.mark.parametrize(
    ("closed", "waiting", "seconds", "bad"),
    [
        (True, 1, 1000, True),
        (True, 0, 1000, None),
        (True, 1, 4005, None),
        (False, 1, 1000, None),
    ],
    ids=["nothing says that it is over", "nothing waits", "tried again in vain", "in service"],
)
def test_a_drained_host_that_delivers_nothing_is_not_well_for_that(
    closed: bool, waiting: int, seconds: float, bad: bool | None
) -> None:
    rules = Rules(settings())
    healthy = peer(deliveries=100, deferred=0)
    read(Evidence(0, queues=deliveries(1000, 1000), peers=healthy), rules)
    assert read(Evidence(5, queues=deliveries(1000, 1020), peers=healthy), rules).drain["deferrals"] is True
    still = samples(
        'twinmx_deliveries_total{instance="out",transport="smtp",status="sent"} 1000\n'
        'twinmx_deliveries_total{instance="out",transport="smtp",status="deferred"} 1020\n'
        f'twinmx_queue_messages{{instance="out",queue="deferred"}} {waiting}\n'
    )

    readings = read(Evidence(5 + seconds, queues=still, peers=healthy), rules, closed=closed)

    assert readings.drain["deferrals"] is bad


def test_a_drained_host_whose_mail_goes_out_again_is_well() -> None:
    rules = Rules(settings())
    healthy = peer(deliveries=100, deferred=0)
    read(Evidence(0, queues=deliveries(1000, 1000), peers=healthy), rules)
    read(Evidence(5, queues=deliveries(1000, 1020), peers=healthy), rules)

    again = Evidence(1000, queues=deliveries(1020, 1020), peers=healthy)

    assert read(again, rules, closed=True).drain["deferrals"] is False


def canaries(**via: dict[str, Way]) -> dict[str, CanaryState | None]:
    return {host: CanaryState(via=ways) for host, ways in via.items()}


GOOD, LOST, SLOW = Way(delays=[99, 1.0]), Way(delays=[1.0, None]), Way(delays=[1.0, 11.0])
WAITS = Way(delays=[1.0], waiting=11)


@pytest.mark.parametrize("ill", [LOST, SLOW, WAITS], ids=["lost", "slow", "waits"])
def test_canaries_count_where_all_agree_and_one_gets_through_elsewhere(ill: Way) -> None:
    both = canaries(mx1={"mx1": ill, "mx2": GOOD}, mx2={"mx1": ill, "mx2": GOOD})
    assert read(Evidence(0, canaries=both)).drain["canary"] is True
    only_ours = canaries(mx1={"mx1": ill, "mx2": GOOD}, mx2={"mx1": GOOD, "mx2": GOOD})
    assert read(Evidence(0, canaries=only_ours)).drain["canary"] is False
    nowhere = canaries(mx1={"mx1": ill, "mx2": ill}, mx2={"mx1": ill, "mx2": ill})
    assert read(Evidence(0, canaries=nowhere)).drain["canary"] is False


@pytest.mark.parametrize("mine", [Way(delays=[None]), Way(delays=[11.0]), Way(waiting=11.0)])
def test_the_first_letter_after_a_start_is_no_evidence_against_us(mine: Way) -> None:
    """The host may have been starting as well: Postfix, or the engines."""
    seen = canaries(mx1={"mx1": mine, "mx2": GOOD}, mx2={"mx1": LOST, "mx2": GOOD})

    assert read(Evidence(0, canaries=seen)).drain["canary"] is None


@pytest.mark.parametrize("mine", [{"mx1": Way()}, {}], ids=["nothing sent yet", "not through us"])
def test_a_canary_that_has_said_nothing_is_no_evidence(mine: dict[str, Way]) -> None:
    seen = canaries(mx1=mine, mx2={"mx1": LOST, "mx2": GOOD})
    if mine:
        assert read(Evidence(0, canaries=seen)).drain["canary"] is None
    alone: dict[str, CanaryState | None] = {"mx1": CanaryState(via={"mx1": LOST, "mx2": GOOD}), "mx2": None}
    assert read(Evidence(0, canaries=alone)).drain["canary"] is None


@pytest.mark.parametrize(
    ("neighbour", "silent"),
    [
        (Neighbour(), True),
        (Neighbour(greets=True), False),
        (Neighbour(PeerState(promises=False, demoted=NOBODY)), False),
    ],
    ids=["nothing", "port 25", "its agent"],
)
def test_a_peer_is_silent_on_both_ways(neighbour: Neighbour, silent: bool) -> None:
    assert read(Evidence(0, peers={"mx2": neighbour})).silent == {"mx2": silent}


def scans(tripped: int = 0, **outcomes: int) -> dict[str, Samples]:
    """One worker; outcomes of rspamd, and spamassassin always answers."""
    lines = [
        f'twinmx_spam_scans_total{{engine="rspamd",outcome="{what}"}} {n}' for what, n in outcomes.items()
    ]
    lines.append('twinmx_spam_scans_total{engine="spamassassin",outcome="ok"} ' + str(sum(outcomes.values())))
    lines.append(f'twinmx_spam_breaker_state{{engine="rspamd"}} {tripped}')
    return {"worker": samples("\n".join(lines) + "\n")}


@pytest.mark.parametrize(
    ("outcomes", "well"),
    [
        ({"ok": 5, "late": 5}, False),
        ({"ok": 6, "late": 4}, True),
        ({"ok": 0, "late": 9}, None),
        ({"ok": 1, "dropped": 50, "busy": 50}, True),
        ({"dropped": 50}, None),
    ],
    ids=["half late", "fewer", "too few", "not its fault", "never answered"],
)
def test_an_engine_is_bad_by_its_share_of_failures(outcomes: dict[str, int], well: bool | None) -> None:
    rules = Rules(settings())
    read(Evidence(0, workers=scans(ok=0)), rules)

    readings = read(Evidence(5, workers=scans(**outcomes)), rules)

    assert readings.engines == {"rspamd": well, "spamassassin": True}


def test_an_engine_that_is_left_out_stays_bad_while_its_breakers_are_open() -> None:
    rules, out = Rules(settings()), frozenset({"rspamd"})

    assert read(Evidence(0, workers=scans(tripped=1)), rules, out).engines["rspamd"] is False
    assert read(Evidence(5, workers=scans(tripped=1)), rules, NOBODY).engines["rspamd"] is None
    assert read(Evidence(10, workers=scans(tripped=0)), rules, out).engines["rspamd"] is None


def test_a_window_forgets_and_survives_restarts() -> None:
    window, key = Window(10), ("a", "b")
    for at, value in ((0, 100.0), (1, 104.0), (2, 3.0)):
        window.take(at, "worker", {key: value})
    window.take(2, "newcomer", {key: 1000.0})

    assert window.growth(2) == {key: 7.0}
    assert window.growth(11) == {key: 3.0}
    assert window.growth(12) == {}


def test_other_lines_are_not_even_parsed() -> None:
    text = 'twinmx_wanted{a="b"} 1\ntwinmx_wanted_not{a="b"} 2\n} nonsense {\n# HELP x y\n'

    assert Samples.parse(text, {"twinmx_wanted"}).total("twinmx_wanted") == 1
    assert Samples.parse(text, {"twinmx_wanted"}).total("twinmx_wanted_not") is None
    with pytest.raises(ValueError, match="could not convert"):
        Samples.parse("twinmx_wanted{a= 1\n", {"twinmx_wanted"})


def test_evidence_counts_after_its_periods_and_ends_after_the_good_ones() -> None:
    judge = Judge({"rule": 3}, good_periods=2)
    seen = []
    for reading in (True, True, None, True, True, True, False, True, None, False):
        judge.take({"rule": reading})
        seen.append((bool(judge.bad), bool(judge.suspect), judge.good_for))

    assert [bad for bad, _, _ in seen] == [False] * 5 + [True] * 4 + [False]
    assert [suspect for _, suspect, _ in seen] == [True, True, False] + [True] * 6 + [False]
    assert [good for _, _, good in seen] == [0, 0, 1, 0, 0, 0, 1, 0, 1, 2]
