"""Single decisions of the machine: operators' orders, late answers, engines, and the order in DNS."""

from dataclasses import replace
from itertools import permutations

import pytest

from twinmx.failover.acts import Ask, RefusedError
from twinmx.failover.machine import Machine
from twinmx.failover.mx import demoted_in, order_with, wanted_order
from twinmx.failover.policy import ASK_SECONDS, Policy
from twinmx.failover.state import Given, Order, Phase, State
from twinmx.failover.view import Peer, View

POLICY = Policy("mx1", ("mx1", "mx2"), ("alias.example",), minimum_seconds=360, lease_seconds=60)
ORDER = Order(by="ada", reason="new disk")
FIT = {"mx2": Peer(fresh=True, fit=True)}
WELL = View(peers=FIT, good_for=9, queue_empty=True, dns={"alias.example": ("mx1", "mx2")})
SICK = replace(WELL, bad=frozenset({"forwarders"}), suspect=frozenset({"forwarders"}), good_for=0)


def machine(policy: Policy = POLICY, state: State | None = None, view: View = WELL) -> Machine:
    """One that has seen `view` at second 1000."""
    made = Machine(policy, state or State(), lambda: 0.5)
    made.tick(view, 1000)
    return made


def drained(policy: Policy = POLICY, view: View = WELL) -> Machine:
    made = machine(policy, view=view)
    _, ask = made.order_drain(ORDER, 1000)
    assert ask
    made.answered(ask, True, 1000.5)
    return made


def test_an_order_drains_after_a_promise_and_stays_until_it_is_taken_back() -> None:
    made = drained()
    assert made.closed_until(1001) == 1060, "counted from before the question"

    acts, ask = made.tick(WELL, 1005)
    assert [act.name for act in acts] == ["drained"]
    assert ask
    assert (ask.peer, ask.why) == ("mx2", "renew")
    made.answered(ask, True, 1005.1)
    assert made.closed_until(1006) == 1065
    assert made.tick(WELL, 1020)[0] == [], "no return by itself, however well"

    assert [(act.name, act.automatic) for act in made.undrain(ORDER, 1021)] == [("return", False)]
    assert made.closed_until(1021) is None
    assert [act.name for act in made.tick(WELL, 1025)[0]] == ["active"]


def test_an_order_with_an_end_ends() -> None:
    made = machine()
    _, ask = made.order_drain(Order(by="ada", until=1030), 1000)
    assert ask
    made.answered(ask, True, 1000.5)

    assert [act.name for act in made.tick(WELL, 1030)[0]] == ["return", "active"]


def test_a_promise_that_cannot_be_renewed_ends_an_order_too() -> None:
    made = drained()
    alone = replace(WELL, peers={"mx2": Peer(silent=True)})
    made.tick(alone, 1005)

    acts, _ = made.tick(alone, 1060)

    assert [act.name for act in acts] == ["lapse", "active"]
    assert made.state.order is None


@pytest.mark.parametrize(
    ("policy", "state", "view", "says"),
    [
        (replace(POLICY, active=False), State(), WELL, "out of service by the inventory"),
        (replace(POLICY, hosts=("mx1",)), State(), View(), "could carry the mail: there is none"),
        (POLICY, State(), replace(WELL, peers={"mx2": Peer()}), "mx2 does not answer"),
        (POLICY, State(), replace(WELL, peers={"mx2": Peer(fresh=True)}), "none is in service and well"),
        (POLICY, State(given={"mx2": Given(until=2000, seconds=65)}), WELL, "mx2 is drained and relies on"),
    ],
    ids=["inactive", "alone", "silent peer", "sick peer", "promised"],
)
def test_an_order_that_would_hurt_is_refused(policy: Policy, state: State, view: View, says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        machine(policy, state, view).order_drain(ORDER, 1000)


def test_an_order_on_a_host_that_is_drained_keeps_it_so() -> None:
    made = machine(view=SICK)
    assert made.asking
    made.answered(made.asking, True, 1000.5)
    made.order_drain(ORDER, 1001)

    assert made.tick(WELL, 1050)[0][0].name == "drained"
    assert made.state.order == ORDER


CONVERGE = Order(by="converge", reason="--data failover=end")
HELD = Order(by="ben")


def test_what_was_done_without_an_order_can_be_ended_and_a_hold_stays() -> None:
    made = machine(view=SICK)
    assert made.asking
    made.answered(made.asking, True, 1000.5)
    made.hold(HELD)

    acts = made.end(CONVERGE, 1001)

    assert [(act.name, act.whom, act.automatic) for act in acts] == [("return", "mx1", False)]
    assert made.closed_until(1001) is None
    assert (made.state.demoted, made.state.hold) == (frozenset(), HELD)
    assert made.state.restoring == {("alias.example", "mx1")}
    assert made.tick(SICK, 1361)[1] is None, "held: it may not begin anew"
    made.release(HELD)
    assert made.tick(SICK, 1005)[1] is None, "nor before the least time between two acts"
    assert made.tick(SICK, 1361)[1] is not None


def test_a_demotion_of_a_peer_can_be_ended_and_a_drain_that_was_ordered_stays() -> None:
    made = drained()
    made.state = made.state.model_copy(update={"demoted": frozenset({"mx1", "mx2"})})

    acts = made.end(CONVERGE, 1001)

    assert [(act.name, act.whom) for act in acts] == [("restore", "mx2")]
    assert made.state.demoted == {"mx1"}
    assert made.closed_until(1001) == 1060
    with pytest.raises(RefusedError, match="nobody out of service by itself"):
        made.end(CONVERGE, 1002)


def test_what_is_not_there_is_not_taken_back() -> None:
    with pytest.raises(RefusedError, match="not drained"):
        machine().undrain(ORDER, 1000)
    with pytest.raises(RefusedError, match="nobody holds"):
        machine().release(ORDER)
    with pytest.raises(RefusedError, match="nobody out of service by itself"):
        machine().end(CONVERGE, 1000)


@pytest.mark.parametrize("policy", [POLICY, replace(POLICY, mode="manual")], ids=["held", "manual"])
def test_who_may_not_act_recommends(policy: Policy) -> None:
    made = machine(policy)
    made.hold(ORDER)

    assert made.tick(SICK, 1005) == ([], None)
    assert list(made.recommends) == ["drain mx1: forwarders"]
    made.release(ORDER)
    asks = made.tick(SICK, 1010)[1] is not None
    assert asks == (policy.mode == "auto")
    assert (made.recommends == ()) == asks


def test_a_late_answer_changes_nothing() -> None:
    """The question has been given up, and a promise of our own may have been made since."""
    made = machine(view=SICK)
    late = made.asking
    assert late
    made.tick(WELL, 1000 + ASK_SECONDS + 1)
    assert made.grant("mx2", 60, 1006) is None

    for at in (1010, 1015):
        assert made.tick(SICK, at)[1] is None, "its promise binds"

    assert made.answered(late, True, 1016) == []
    assert made.closed_until(1016) is None


def test_two_that_ask_at_once_refuse_each_other() -> None:
    made = machine(view=SICK)
    ask = made.asking
    assert ask
    assert made.grant("mx2", 60, 1001) == "it asks for a promise itself"

    made.answered(ask, False, 1001)

    waits = [made.tick(SICK, at)[1] for at in (1005, 1010, 1011)]
    assert [bool(wait) for wait in waits] == [False, False, True], "half of the longest wait"


@pytest.mark.parametrize(
    ("view", "at", "says"),
    [
        (replace(WELL, suspect=frozenset({"disk"})), 1000, "not well itself: disk"),
        (WELL, 1016, "does not know how it is"),
    ],
)
def test_who_is_not_well_promises_nothing(view: View, at: float, says: str) -> None:
    refusal = machine(view=view).grant("mx2", 60, at)

    assert refusal
    assert says in refusal


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.ACTIVE])
@pytest.mark.parametrize("renews", [False, True])
def test_who_is_not_active_promises_nothing_however_well_it_is(phase: Phase, renews: bool) -> None:
    made = machine()
    assert made.grant("mx2", 60, 1000) is None, "it would, were it active"
    given = made.state.given if renews else {}
    made.state = made.state.model_copy(update={"phase": phase, "given": given})

    assert made.grant("mx2", 60, 1000) == f"it is {phase} itself"
    assert made.state.given == given
    assert made.refusal("mx2", 1000) == f"it is {phase} itself", "what /state says of it"


def test_a_promise_in_force_is_renewed_through_a_bad_moment() -> None:
    made = machine()
    assert made.grant("mx2", 60, 1000) is None
    made.tick(replace(WELL, suspect=frozenset({"pending"})), 1005)
    assert made.grant("mx2", 60, 1005) is None

    made.tick(SICK, 1010)
    assert made.grant("mx2", 60, 1010) == "it is not well itself: forwarders"


@pytest.mark.parametrize(("peer", "seconds"), [("mx9", 60), ("mx2", 0), ("mx2", 1e9)])
def test_nonsense_is_promised_to_nobody(peer: str, seconds: float) -> None:
    made = machine()

    assert made.grant(peer, seconds, 1000)
    assert made.state.given == {}


def test_of_several_the_first_in_mx_order_that_is_fit_is_asked() -> None:
    three = replace(POLICY, hosts=("mx3", "mx2", "mx1"))
    peers = {"mx2": Peer(fresh=True, fit=True), "mx3": Peer(fresh=True)}

    assert machine(three, view=replace(SICK, peers=peers)).asking == Ask("mx2", "drain", 1000, "forwarders")


# --- spam engines ------------------------------------------------------------------------------------


def seen(rspamd: bool | None, spamassassin: bool | None) -> View:
    return replace(WELL, engines={"rspamd": rspamd, "spamassassin": spamassassin})


def test_a_bad_engine_is_left_out_while_it_is_bad() -> None:
    made = machine(view=seen(False, True))
    assert made.state.bypassed == {"rspamd": 1600}

    assert made.tick(seen(False, True), 1299)[0] == []
    assert made.state.bypassed == {"rspamd": 1600}
    made.tick(seen(False, True), 1301)
    assert made.state.bypassed == {"rspamd": 1901}, "extended, without an act"
    made.tick(seen(None, True), 1901)
    assert made.state.bypassed == {}


def test_the_last_good_engine_is_never_left_out() -> None:
    assert machine(view=seen(False, None)).state.bypassed == {}
    assert machine(view=seen(False, False)).state.bypassed == {}
    made = machine(view=seen(False, True))
    assert [act.name for act in made.tick(seen(None, False), 1005)[0]] == ["unbypass"]
    assert made.state.bypassed == {}


# --- the order in DNS --------------------------------------------------------------------------------

THREE = ("mx1", "mx2", "mx3")


@pytest.mark.parametrize("order", list(permutations(THREE)))
def test_what_an_order_shows_as_demoted_makes_it(order: tuple[str, ...]) -> None:
    if order != ("mx3", "mx2", "mx1"):
        assert order_with(THREE, demoted_in(THREE, order)) == order


@pytest.mark.parametrize(
    ("order", "mine", "restoring", "wanted"),
    [
        ("12", "", "", "12"),
        ("12", "1", "", "21"),
        ("12", "2", "", "12"),
        ("21", "", "", "21"),
        ("21", "", "1", "12"),
        ("21", "1", "", "21"),
        ("21", "2", "", "21"),
        ("132", "1", "", "312"),
        ("231", "3", "", "231"),
        ("132", "", "2", "123"),
    ],
)
def test_demotions_of_others_stay(order: str, mine: str, restoring: str, wanted: str) -> None:
    """Seen by host 1."""
    hosts = sorted(order)

    assert "".join(wanted_order(hosts, "1", tuple(order), mine, restoring)) == wanted
