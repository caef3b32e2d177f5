"""A drill on real hosts: it comes by a converge with its flag, and goes by the next, or by itself."""

from collections.abc import Iterator
from functools import partial

import pytest

from drills import all_drills
from drills.lib.model import Fault
from inventory.preference import by_preference
from inventory.schema import Exchange
from lab.converging import Pair
from lab.waiting import until
from roles.drill import SCRIPT, UNIT, UNIT_FILE
from tests.hosts.asking import Host
from tests.hosts.conftest import reached

pytestmark = [pytest.mark.role("drill"), pytest.mark.changes]

NAME = "engine-out"
"""No mail suffers from it, and it has no inventory of its own, so that all that changes is the fault."""


@pytest.fixture(autouse=True)
def _plain_again(pair: Pair) -> Iterator[None]:
    """Whatever a test left behind is gone after it."""
    yield
    pair.converge()
    assert pair.converge() == set(), "a second converge changes nothing"


@pytest.fixture
def places(exchange: Exchange) -> list[tuple[Host, list[Fault]]]:
    """Each exchanger with what the drill breaks on it."""
    names = by_preference(exchange.exchangers)
    return [
        (
            reached(str(exchange.exchangers[name].address)),
            all_drills()[NAME].faults_on(position, len(names)),
        )
        for position, name in enumerate(names)
    ]


def in_effect(host: Host, fault: Fault) -> bool:
    return bool(host.run("sh -ec %s", fault.proof).rc == 0)


def runs(host: Host) -> bool:
    return bool(host.run("systemctl is-active --quiet %s", UNIT).rc == 0)


def over(host: Host) -> bool:
    """Whether its unit has ended, and well."""
    return str(host.run("systemctl is-active %s", UNIT).stdout).strip() == "inactive"


def test_it_is_there_from_the_converge_with_its_flag_to_the_one_without(
    pair: Pair, places: list[tuple[Host, list[Fault]]]
) -> None:
    broken = [(host, fault) for host, faults in places for fault in faults]
    assert broken, "the drill breaks something"
    assert not any(in_effect(host, fault) for host, fault in broken)

    changed = pair.converge(drill=NAME)

    assert {"drill | drill: files", "drill | drill: begun"} <= changed
    assert "drill | drill: ended" not in changed
    for host, faults in places:
        assert runs(host) is bool(faults)
        assert host.file(SCRIPT).exists is bool(faults)
        if faults:
            assert host.file(SCRIPT).mode == 0o700
            host.check_output(f"{SCRIPT} proof")
            assert host.run("systemctl is-enabled %s", UNIT).stdout.strip() == "static", "not at boot"
    assert all(in_effect(host, fault) for host, fault in broken)

    assert pair.converge(drill=NAME) == set()

    assert {"drill | drill: ended", "drill | drill: files"} <= pair.converge()
    for host, _ in places:
        assert not runs(host)
        assert not [path for path in (SCRIPT, UNIT_FILE) if host.file(path).exists]
    assert not any(in_effect(host, fault) for host, fault in broken)


def test_its_time_over_the_host_ends_it_by_itself(pair: Pair, places: list[tuple[Host, list[Fault]]]) -> None:
    pair.converge(drill=f"{NAME}/1s")

    for host, faults in places:
        if faults:
            until(partial(over, host), 60, "the unit at its end")
            assert not any(in_effect(host, fault) for fault in faults)

    assert pair.converge() >= {"drill | drill: ended", "drill | drill: files"}


def test_calm_is_without_its_faults(pair: Pair, places: list[tuple[Host, list[Fault]]]) -> None:
    pair.converge(drill=f"{NAME}/calm")

    for host, faults in places:
        assert not host.file(SCRIPT).exists
        assert not any(in_effect(host, fault) for fault in faults)
