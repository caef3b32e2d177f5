"""Faults are put in, proved and taken out where they belong, and one that cannot be asked is not proved."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import drills
from drills.lib import faults, shell
from drills.lib.model import Drill, Where
from inventory.load import load_exchange
from inventory.preference import by_preference
from lab import ssh, waiting
from lab.errors import LabError
from lab.settings import LAB, ROOT, LabHost
from tests.unit.drills.made import FIRST, HERE, OUTSIDE, PASSING, drill

LASTING = replace(PASSING, lasts=True, begin="stop", end="start", proof="stopped")


class Hosts:
    """What was run on which host; what is in `says` is printed, what is in `breaks` fails so many times."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.says: dict[str, str] = {}
        self.breaks: dict[str, int] = {}

    def on(self, host: LabHost, command: str, *, seconds: float = 60) -> str:
        bare = command.removeprefix("set -e\n")
        return self._run(f"{host.alias}: {bare}")

    def here(self, command: str, seconds: float) -> tuple[int, str]:
        try:
            return 0, self._run(f"here: {command}")
        except LabError:
            return 1, ""

    def _run(self, what: str) -> str:
        self.ran.append(what)
        if self.breaks.get(what, 0):
            self.breaks[what] -= 1
            raise LabError(f"{what} failed")
        return self.says.get(what, "")


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    made = Hosts()
    monkeypatch.setattr(ssh, "on", made.on)
    monkeypatch.setattr(faults, "shell", made.here)
    monkeypatch.setattr(waiting, "PAUSE", 0)
    return made


def test_places_are_in_the_order_of_preference() -> None:
    exchange = load_exchange(ROOT / "inventory" / "exchange.yml")

    order = by_preference(exchange.exchangers)

    assert [host.alias for host in faults.hosts_of(Where.ALL)] == order
    assert [host.alias for host in faults.hosts_of(Where.FIRST)] == order[:1]
    assert [host.alias for host in faults.hosts_of(Where.LAST)] == order[-1:]


@pytest.mark.parametrize("where", list(Where))
def test_every_place_is_known_and_only_the_controller_has_no_host(where: Where) -> None:
    assert bool(faults.hosts_of(where)) is (where is not Where.CONTROLLER)


@pytest.mark.parametrize(
    ("where", "ran"),
    [
        (Where.FIRST, ["mx1: true"]),
        (Where.LAST, ["mx2: true"]),
        (Where.ALL, ["mx1: true", "mx2: true"]),
        (Where.OUTSIDE, ["outside: true"]),
        (Where.DATABASE, ["db: true"]),
        (Where.CONTROLLER, ["here: true"]),
    ],
)
def test_a_command_runs_where_it_should(hosts: Hosts, where: Where, ran: list[str]) -> None:
    faults.run(where, "true")

    assert hosts.ran == ran


def test_on_a_host_the_first_command_that_fails_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_its_shell(_: LabHost, command: str, *, seconds: float) -> str:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        return f"{done.returncode} {done.stdout}"

    monkeypatch.setattr(ssh, "on", by_its_shell)

    assert faults.run(Where.FIRST, "false\necho went on") == "1 "


def test_here_the_first_command_that_fails_is_the_end_and_its_words_are_told() -> None:
    with pytest.raises(LabError, match="no such thing") as raised:
        faults.run(Where.CONTROLLER, "echo no such thing >&2; false; echo went on")

    assert "went on" not in raised.value.cause.partition(":")[2]


def test_here_it_runs_in_the_checkout() -> None:
    assert faults.run(Where.CONTROLLER, "pwd").strip() == str(ROOT)


def test_what_takes_too_long_here_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(command: str, seconds: float) -> tuple[int, str]:
        raise subprocess.TimeoutExpired(command, seconds)

    monkeypatch.setattr(faults, "shell", late)

    with pytest.raises(LabError, match="true: not done within 30 s"):
        faults.run(Where.CONTROLLER, "true", 30)


def test_a_fault_is_in_effect_only_where_every_host_proves_it(hosts: Hosts) -> None:
    assert faults.in_effect(LASTING)

    hosts.breaks["mx2: stopped"] = 1
    assert not faults.in_effect(LASTING)


def test_a_proof_is_waited_for(hosts: Hosts) -> None:
    hosts.breaks["mx1: broken first"] = 3

    faults.prove(drill(FIRST, HERE))

    assert hosts.ran == ["mx1: broken first"] * 4 + ["here: broken here"]


def test_a_fault_that_never_takes_effect_is_named(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "PROOF_SECONDS", 0)
    hosts.breaks["mx1: broken first"] = 1

    with pytest.raises(LabError, match="the fault at first: broken first"):
        faults.prove(drill(HERE, FIRST))


def test_what_should_last_and_is_gone_is_named(hosts: Hosts) -> None:
    hosts.breaks = {"mx1: broken first": 1, "mx1: killed": 1}

    assert faults.gone(drill(FIRST, PASSING, HERE)) == ["first: broken first"]


def test_only_what_no_converge_puts_in_is_begun_by_hand(hosts: Hosts) -> None:
    faults.begin_beyond(drill(FIRST, OUTSIDE, LASTING, HERE))

    assert hosts.ran == ["outside: break outside", "here: break here"]


def test_the_ends_come_in_the_opposite_order(hosts: Hosts) -> None:
    faults.end_beyond(drill(FIRST, OUTSIDE, LASTING, HERE))

    assert hosts.ran == ["here: mend here", "outside: mend outside"]


def test_an_end_that_fails_stops_no_other(hosts: Hosts) -> None:
    hosts.breaks = {"here: mend here": 1, "outside: mend outside": 1}

    with pytest.raises(LabError, match="mend here"):
        faults.end_beyond(drill(OUTSIDE, HERE))

    assert hosts.ran == ["here: mend here", "outside: mend outside"]


@pytest.fixture
def _far_away() -> Iterator[None]:
    """The controller's clock shows another time than the hosts'."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_far_away")
def test_the_first_unit_to_begin_is_the_begin_of_the_fault(hosts: Hosts) -> None:
    hosts.says[f"mx1: {faults.BEGAN}"] = "Mon 2026-11-23 05:22:31.500000 UTC\n"
    hosts.says[f"mx2: {faults.BEGAN}"] = "Mon 2026-11-23 05:22:30.250000 UTC\n"

    assert faults.began_on_exchangers(drill(LASTING)) == 1_795_411_350.25


def test_nobody_knows_when_a_unit_began_that_never_ran(hosts: Hosts) -> None:
    hosts.says[f"mx1: {faults.BEGAN}"] = "\n"

    assert faults.began_on_exchangers(drill(FIRST)) is None


def test_an_exchanger_that_shuts_us_out_is_left_out(hosts: Hosts) -> None:
    hosts.breaks[f"mx1: {faults.BEGAN}"] = 1
    hosts.says[f"mx2: {faults.BEGAN}"] = "Mon 2026-11-23 05:22:30.250000 UTC\n"

    assert faults.began_on_exchangers(drill(LASTING)) == 1_795_411_350.25


def test_only_exchangers_with_a_fault_are_asked_when_it_began(hosts: Hosts) -> None:
    faults.began_on_exchangers(drill(FIRST, OUTSIDE, HERE))

    assert hosts.ran == [f"mx1: {faults.BEGAN}"]


def test_a_host_is_waited_for_over_a_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    replies = iter([True, False, False, True])

    def answers(host: LabHost) -> bool:
        told.append(host.alias)
        return next(replies)

    monkeypatch.setattr(waiting, "PAUSE", 0)
    monkeypatch.setattr(ssh, "close", lambda hosts: told.append(f"close {len(hosts)}"))
    monkeypatch.setattr(ssh, "answers", answers)

    faults.wait_until_reached()

    assert told == [f"close {len(LAB.hosts)}", "mx1", "mx2", "mx2", "mx2"]


@pytest.mark.parametrize("one", drills.all_drills().values(), ids=drills.all_drills())
def test_no_drill_s_fault_is_put_in_twice_or_not_at_all(one: Drill) -> None:
    count = len(LAB.hosts)
    by_converge = [fault for position in range(count) for fault in one.faults_on(position, count)]

    for fault in one.faults:
        expected = len(faults.hosts_of(fault.where)) if fault.where.on_exchangers else 0
        assert by_converge.count(fault) == expected


def test_nothing_of_what_is_broken_off_goes_on(tmp_path: Path) -> None:
    alive = tmp_path / "pid"

    with pytest.raises(subprocess.TimeoutExpired):
        shell.shell(f"sleep 60 & echo $! >{alive}.new; mv {alive}.new {alive}; wait", 1.0)

    def gone() -> bool:
        status = Path(f"/proc/{alive.read_text().strip()}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"

    assert waiting.until(gone, 5, "the end of what it started")


def test_a_command_is_given_nothing_to_read() -> None:
    assert shell.shell("cat; echo asked", 10.0) == (0, "asked\n")
