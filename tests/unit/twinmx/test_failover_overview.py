"""What the status page shows of this host and its peers, and that nothing of theirs breaks it."""

import json
from typing import Any

import pytest

from tests.unit.twinmx.failover_settings import HOSTS, samples, settings
from twinmx.failover.evidence import CanaryState, Evidence, Neighbour, PeerState, Way
from twinmx.failover.figures import Figures
from twinmx.failover.overview import Overview
from twinmx.failover.rules import Readings, Rules
from twinmx.failover.samples import Samples
from twinmx.status.page import render
from twinmx.status.view import LOST, Engine, Host, Limits, View

READINGS = Readings({}, {}, {"rspamd": True, "spamassassin": None}, {}, {}, queue_empty=True)
OWN: dict[str, Any] = {"at": 1000.0, "state": "active", "since": 400.0, "well": True, "active": True}
THEIRS = OWN | {
    "bad": ["pending"],
    "well": False,
    "hold": {"by": "ada", "reason": "kernel"},
    "bypassed": {"rspamd": 1060.0},
    "acts": [{"at": 990.0, "name": "bypass", "whom": "rspamd", "cause": "slow", "automatic": True}],
    "queues": {"in": 7, "out": 40},
    "workers": {"forwarders": [5, 6], "gates": [2, 2]},
    "engines": {"rspamd": {"well": False, "seconds": 9.5, "failed": 0.5}},
    "limits": {"alone": True, "refused": 9, "accounts": [["shop@alias.example", 8]]},
}
AGREES = PeerState(promises=True, demoted=frozenset())


def queues(messages: float, age: float = 1) -> Samples:
    return samples(
        f'twinmx_queue_read_age_seconds{{instance="in"}} {age}\n'
        f'twinmx_queue_messages{{instance="in",queue="active"}} {messages}\n'
        'twinmx_queue_messages{instance="in",queue="hold"} 1000\n'
        'twinmx_queue_messages{instance="out",queue="active"} 5\n'
    )


def peer(said: object) -> dict[str, Neighbour]:
    return {"mx2": Neighbour(AGREES, greets=True, said=json.dumps(said).encode())}


def canary(*delays: float | None, waiting: float = 0) -> dict[str, CanaryState | None]:
    return {"mx2": CanaryState(via={"mx1": Way(delays=list(delays), waiting=waiting)}), "mx1": None}


def shown(overview: Overview, now: float, **changes: Any) -> View:
    said: dict[str, Any] = {"heard_seconds": 0.0, "mx": {}} | changes
    return overview.view(OWN | overview.figures, now, **said)


def fed(*periods: Evidence) -> Overview:
    overview = Overview(settings())
    for evidence in periods:
        overview.take(evidence, READINGS)
    return overview


def values(points: object) -> list[float | None]:
    return [value for _, value in points]  # type: ignore[attr-defined]


def test_both_hosts_are_shown_as_their_agents_see_them() -> None:
    overview = fed(Evidence(10, forwarders=1, gates=2, queues=queues(3), peers=peer(THEIRS)))

    mine, theirs = shown(overview, 11).hosts

    assert (mine.name, mine.heard_seconds, mine.phase, mine.well) == ("mx1", 0.0, "active", True)
    assert (mine.forwarders, mine.gates, mine.since_seconds) == ((1, 2), (2, 2), 600.0)
    assert theirs == Host(
        "mx2",
        heard_seconds=1.0,
        since_seconds=600.0,
        well=False,
        bad=("pending",),
        hold="ada: kernel",
        forwarders=(5, 6),
        gates=(2, 2),
        inbound=((0.0, 7.0),),
        outbound=((0.0, 40.0),),
        engines=(Engine("rspamd", False, 9.5, 0.5, out_seconds=60.0),),
        limits=Limits(True, 9, (("shop@alias.example", 8.0),)),
    )
    assert [(act.host, act.name) for act in shown(overview, 11).acts] == [("mx2", "bypass")]


def test_an_hour_of_queues_is_kept_without_what_is_held() -> None:
    overview = fed(
        *(Evidence(at, queues=queues(messages)) for at, messages in ((0, 3), (5, 9), (30, 4))),
        Evidence(60, queues=queues(500, age=121)),
        Evidence(90),
        Evidence(120, queues=queues(2)),
    )

    mine = shown(overview, 121).hosts[0]
    assert values(mine.inbound) == [9, 4, None, None, 2]
    assert mine.outbound == (), "its age is not known"
    assert values(shown(overview, 121 + 3600).hosts[0].inbound) == [2]
    assert values(shown(overview, 151 + 3600).hosts[0].inbound) == []


def test_a_canary_counts_once_and_a_lost_one_is_lost() -> None:
    looks = [
        canary(None, 0.5),
        canary(None, 0.5),
        canary(None, 0.5, 0.7, None),
        canary(None, 0.5, 0.7, None, waiting=11),
        canary(0.5, 0.7, None, 0.6),
        canary(None, None),
        canary(None, None),
    ]
    overview = fed(*(Evidence(30 * number, canaries=seen) for number, seen in enumerate(looks)))

    assert values(shown(overview, 200).hosts[0].canary) == [LOST, 11, 0.6, LOST, LOST]


def test_who_is_not_heard_is_silent() -> None:
    overview = fed(Evidence(10, peers=peer(OWN)), Evidence(15, peers={"mx2": Neighbour(None, greets=True)}))
    never = fed(Evidence(10, peers={"mx2": Neighbour()}))

    assert "mx2 has been silent for 50 s" in render(shown(overview, 60))
    assert "mx2 was never heard" in render(shown(never, 60))
    assert "mx1 has been silent for 40 s" in render(shown(overview, 11, heard_seconds=40.0))


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=y>'])
def test_text_of_a_peer_stays_text(text: str) -> None:
    hostile = THEIRS | {
        **{"cause": text, "state": text, "bad": [text], "hold": {"by": text}, "recommends": [text]},
        "acts": [{"at": 990.0, "name": text, "whom": text, "cause": text}],
        "engines": {text: {"well": True}},
        "limits": {"accounts": [[text, 1]]},
    }

    page = render(shown(fed(Evidence(10, peers=peer(hostile))), 11))

    assert text not in page
    assert "<script" not in page
    assert "<img" not in page


@pytest.mark.parametrize(
    ("key", "nonsense"),
    [
        ("at", 1e300),
        ("since", "yesterday"),
        ("bad", [{}]),
        ("hold", 7),
        ("acts", [{"at": -1, "name": "drain", "whom": "mx2", "cause": ""}]),
        ("queues", {"in": -1}),
        ("queues", {"in": float("nan")}),
        ("queues", {"in": 10**400}),
        ("workers", {"forwarders": [1, 2, 3], "gates": None}),
        ("engines", ["rspamd"]),
        ("engines", {str(number): {} for number in range(1000)}),
        ("limits", 1),
        ("bypassed", {"rspamd": None}),
        ("recommends", ["x" * 100_000]),
    ],
)
def test_nonsense_is_as_good_as_not_said(key: str, nonsense: object) -> None:
    unsaid = {said: value for said, value in THEIRS.items() if said != key}

    confused = shown(fed(Evidence(10, peers=peer(unsaid | {key: nonsense}))), 11)
    silent_about_it = shown(fed(Evidence(10, peers=peer(unsaid))), 11)

    assert (confused.hosts, confused.acts) == (silent_about_it.hosts, silent_about_it.acts)


def test_of_a_field_that_makes_sense_in_part_that_part_is_shown() -> None:
    said = THEIRS | {"limits": {"alone": "perhaps", "refused": 3, "accounts": 1}}

    assert shown(fed(Evidence(10, peers=peer(said))), 11).hosts[1].limits == Limits(None, 3)


def test_an_older_peer_is_shown_with_what_it_says() -> None:
    said = {"state": "drained", "cause": "canary", "promises": False, "demoted": []}

    theirs = shown(fed(Evidence(10, peers=peer(said))), 11).hosts[1]

    assert theirs == Host("mx2", heard_seconds=1.0, phase="drained", cause="canary")
    assert shown(fed(Evidence(10, peers=peer({}))), 11).hosts[1].phase == "unknown"


def test_what_the_page_cannot_take_in_breaks_no_period() -> None:
    overview = fed(Evidence(10, queues=queues(3), peers=peer([])), Evidence(40, queues=queues(4)))

    mine, theirs = shown(overview, 41).hosts
    assert values(mine.inbound) == [3, 4]
    assert theirs.heard_seconds is None


def test_a_host_out_of_service_is_no_failure() -> None:
    overview = Overview(settings(hosts=[HOSTS[0], HOSTS[1] | {"active": False}]))
    overview.take(Evidence(10, peers=peer(OWN)), READINGS)

    assert [host.phase for host in shown(overview, 11).hosts] == ["active", "out of service"]
    assert "mx1 alone carries the mail" in render(shown(overview, 11))


def test_acts_of_all_agents_are_shown_the_newest_first() -> None:
    ours = [
        {"at": at, "name": name, "whom": "mx1", "cause": ""} for at, name in ((980, "drain"), (995, "return"))
    ]
    overview = fed(Evidence(10, peers=peer(THEIRS)))
    view = overview.view(OWN | {"acts": ours}, 11, heard_seconds=0, mx={})

    assert [(act.host, act.name) for act in view.acts] == [
        ("mx1", "return"),
        ("mx2", "bypass"),
        ("mx1", "drain"),
    ]


def test_records_are_shown_in_their_order_and_unread_ones_as_such() -> None:
    mx = {"alias.example": {"mx1": 20, "mx2": 10}, "shop.example": None}

    assert shown(fed(), 11, mx=mx).mx == {"alias.example": [(10, "mx2"), (20, "mx1")], "shop.example": None}


def worker(fast: int, slow: int, failed: int, refused: int, alone: int = 0) -> Samples:
    return samples(
        f'twinmx_spam_scan_seconds_bucket{{engine="rspamd",le="0.1"}} {fast}\n'
        f'twinmx_spam_scan_seconds_bucket{{engine="rspamd",le="2.5"}} {fast + slow}\n'
        f'twinmx_spam_scan_seconds_bucket{{engine="rspamd",le="+Inf"}} {fast + slow}\n'
        f'twinmx_spam_scans_total{{engine="rspamd",outcome="ok"}} {fast}\n'
        f'twinmx_spam_scans_total{{engine="rspamd",outcome="late"}} {failed}\n'
        f'twinmx_spam_scans_total{{engine="rspamd",outcome="busy"}} {10 * fast}\n'
        f'twinmx_gate_limited_total{{account="shop"}} {refused}\n'
        'twinmx_gate_limited_total{account="quiet"} 2\n'
        f"twinmx_limits_local {alone}\n"
    )


def test_engines_and_limits_are_those_of_the_last_minutes() -> None:
    rules, figures = Rules(settings()), Figures(settings())

    def shown_of(at: float, **workers: Samples) -> dict[str, Any]:
        evidence = Evidence(at, workers=workers)
        return figures.read(evidence, rules.read(evidence, frozenset(), closed=False))

    shown_of(0, a=worker(1000, 0, 0, 50), b=worker(0, 0, 0, 0))
    read = shown_of(5, a=worker(1060, 5, 15, 53), b=worker(15, 0, 10, 4, alone=1))

    assert read["engines"] == {
        "rspamd": {"well": True, "seconds": 2.5, "failed": 0.25},
        "spamassassin": {"well": None, "seconds": None, "failed": None},
    }
    assert read["limits"] == {"alone": True, "refused": 7, "accounts": [("shop", 7)]}
    assert shown_of(900)["limits"] == {"alone": None, "refused": 0, "accounts": []}
