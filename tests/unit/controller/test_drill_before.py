"""What has to be so before a drill where real mail flows: what is refused, asked, and looked at."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from controller.cli import app
from controller.drill import command
from controller.drill.chosen import choose
from controller.drill.hosts import Alert
from controller.drill.ready import nothing_pending
from controller.errors import ControllerError
from drills import all_drills
from drills.lib.model import Where
from tests.unit.controller.drill_world import FLAG, NAME, PLAIN, WRONG, Drilled, account, noted
from tests.unit.roles.exchanges import MX1, MX2, exchange

Typed = Callable[..., tuple[int, str]]


def harmful() -> str:
    return next(name for name, drill in all_drills().items() if not drill.harmless)


# --- what is refused before a host is asked --------------------------------------------------------


def test_a_drill_that_is_not_harmless_is_refused_also_where_the_flag_would_allow_it() -> None:
    for allowed in ("any", "harmless"):
        with pytest.raises(ControllerError, match=rf"is not harmless.*make drill NAME=.*allowed: .*{NAME}"):
            choose(exchange(drills={"allowed": allowed}), harmful(), 60)


def test_one_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ControllerError, match=rf"there is no drill 'drain'; allowed: .*{NAME}"):
        choose(exchange(), "drain", 60)


def test_where_the_inventory_wants_none_there_is_none() -> None:
    with pytest.raises(ControllerError, match=r"drills\.allowed is none"):
        choose(exchange(drills={"allowed": "none"}), NAME, 60)


@pytest.mark.parametrize("seconds", [0, 601, 86_401])
def test_a_time_that_is_not_allowed_is_told_with_what_is(seconds: int) -> None:
    with pytest.raises(ControllerError, match=r"allowed: 1s to 600s \(drills.longest_seconds\)"):
        choose(exchange(drills={"longest_seconds": 600}), NAME, seconds)


@pytest.mark.parametrize(("seconds", "limit"), [(1, 301), (300, 600), (599, 600), (600, 600)])
def test_a_host_waits_a_little_longer_and_never_past_the_inventory(seconds: int, limit: int) -> None:
    chosen = choose(exchange(drills={"longest_seconds": 600}), NAME, seconds)

    assert (chosen.seconds, chosen.limit_seconds) == (seconds, limit)
    assert chosen.flag == f"{NAME}/{limit}s"


def test_faults_are_by_mx_order_and_not_by_name() -> None:
    second_first = exchange({**MX1, "mx_priority": 30}, {**MX2, "mx_priority": 10})

    assert [*choose(second_first, NAME, 60).faults] == ["mx2"]


def test_it_takes_somebody_else_who_carries_the_mail() -> None:
    with pytest.raises(ControllerError, match="no other exchanger"):
        choose(exchange(MX1), NAME, 60)


def test_mx_are_swapped_only_where_that_is_seen_at_once() -> None:
    assert choose(exchange(), "primary-swap", 60).first == "mx2"
    assert all_drills()["primary-swap"].primary is Where.LAST
    with pytest.raises(ControllerError, match=r"only with dns\.server"):
        choose(exchange(dns={}), "primary-swap", 60)


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def typed(drilled: Drilled, monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.setattr(command, "fleet_of", lambda *_: drilled.hosts.world)
    monkeypatch.setattr(command, "Hosts", lambda *_: drilled.hosts)
    monkeypatch.setattr(command, "note_of", lambda _: drilled.note)
    monkeypatch.setattr(command, "Clock", lambda: drilled.hosts.clock)

    def run(*words: str, answers: str = "") -> tuple[int, str]:
        done = CliRunner().invoke(app, ["drill", "inventory/lab.py", *words], input=answers)
        return done.exit_code, done.output

    return run


def test_nothing_is_touched_where_the_operator_says_no(typed: Typed, drilled: Drilled) -> None:
    for answer in ("n\n", "\n", ""):
        assert typed(NAME, "--for", "60s", answers=answer)[0] == 1
    assert drilled.hosts.converges == []
    assert drilled.note.watches == []


def test_it_is_run_where_the_operator_says_yes_or_is_not_asked(typed: Typed, drilled: Drilled) -> None:
    assert typed(NAME, "--for", "60s", answers="y\n")[0] == 0
    assert typed(NAME, "--for", "60s", "--yes")[0] == 0
    assert drilled.hosts.converges == [FLAG, PLAIN] * 2


def test_the_exit_status_says_that_it_did_not_go_well(typed: Typed, drilled: Drilled) -> None:
    drilled.hosts.fails["proof"] = [WRONG]

    assert typed(NAME, "--for", "60s", "--yes")[0] == 1


@pytest.mark.parametrize("words", [(), ("--abort", "--list"), (NAME, "--abort"), (NAME, "--list")])
def test_one_thing_is_asked_at_a_time(words: tuple[str, ...], typed: Typed) -> None:
    assert typed(*words)[0] == 2


@pytest.mark.parametrize("time", ["10", "soon", "1h30m", "-1m"])
def test_a_time_that_is_none_is_told_with_what_is(time: str, typed: Typed) -> None:
    status, said = typed(NAME, f"--for={time}")

    assert status == 2
    assert "as in 30m" in said


def test_the_list_has_all_that_are_harmless_and_no_other(typed: Typed) -> None:
    status, said = typed("--list")

    assert status == 0
    for name, drill in all_drills().items():
        assert (f" {name} " in said) is drill.harmless


# --- before ----------------------------------------------------------------------------------------


def sick(drilled: Drilled) -> None:
    drilled.sees(mx2=account(well=False))


def drained(drilled: Drilled) -> None:
    drilled.sees(mx2=account("drained"))


def silent(drilled: Drilled) -> None:
    drilled.sees(mx1=account("silent"))


def paged(drilled: Drilled) -> None:
    drilled.sees([Alert("OldestMessage", "mx1", "page")])


def under_way(drilled: Drilled) -> None:
    drilled.hosts.broken = True


@pytest.mark.parametrize("state", [sick, drained, silent, paged, under_way, noted])
def test_nothing_is_begun_where_not_all_is_well(state: Callable[[Drilled], None], drilled: Drilled) -> None:
    state(drilled)

    with pytest.raises(ControllerError):
        drilled.run()

    assert drilled.hosts.converges == [], "also no plain one: what is under way may be somebody else's"


def test_an_alert_that_wakes_nobody_is_no_hindrance(drilled: Drilled) -> None:
    drilled.sees([Alert("CertificateExpires", "mx1", "ticket")])

    assert drilled.run().well


def test_what_else_a_converge_would_change_is_not_a_drills_business(drilled: Drilled) -> None:
    drilled.hosts.pending = {"mx2": "1 file, 1 restart"}

    with pytest.raises(ControllerError, match=r"more than the drill.*mx2: 1 file.*twinmx converge"):
        nothing_pending(drilled.hosts, "inventory/lab.py")


def test_a_second_one_from_here_is_refused_with_the_first(drilled: Drilled) -> None:
    with drilled.note.claimed(), pytest.raises(ControllerError, match="--abort"):
        drilled.run()
    assert drilled.hosts.converges == []
