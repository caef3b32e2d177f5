"""The drills themselves: each says what it replays, can be read by a shell, and fits what it runs on."""

import importlib
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import drills
from drills import all_drills, connection_storm
from drills.lib.model import SHORT, Drill, Step
from inventory.flags import with_flags
from inventory.load import load_exchange
from lab.settings import ROOT
from lab.traffic import ALIASES
from roles.lib.alerts import groups

FOLDER = Path(drills.__file__).parent
FILES = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("__"))
EVERY = pytest.mark.parametrize("drill", [pytest.param(one, id=name) for name, one in all_drills().items()])

LAB = load_exchange(ROOT / "inventory" / "exchange.yml")
LONGEST_FAULT_SECONDS = 600.0
CONNECTIONS_OF_A_CLIENT = 50
"""smtpd_client_connection_count_limit of Postfix; all streams come from one address."""

ACT = re.compile(r"(drain|demote) mx[12]|bypass (rspamd|spamassassin)")
OF_THE_LAB = re.compile(r"\bmx[12]\b|twinmx-|198\.51\.100\.|\.example\b|build/lab")


def commands(drill: Drill) -> list[str]:
    """All that a drill has a shell do."""
    faults = [command for one in drill.faults for command in (one.begin, one.end, one.proof)]
    checks = [drill.holds.after] if drill.holds.after else []
    return [*faults, *(step.run for step in steps(drill)), *checks]


def steps(drill: Drill) -> list[Step]:
    """What operators do in either variant."""
    return [*drill.steps, *(drill.then.steps if drill.then else ())]


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_a_drill_of_its_name_and_says_what_it_is(file: str) -> None:
    module = importlib.import_module(f"drills.{file}")

    assert module.DRILL is all_drills()[file.replace("_", "-")]
    assert module.DRILL.name == file.replace("_", "-")
    assert len((module.__doc__ or "").strip().split("\n\n")) >= 2, "what it is, and of what it is the like"


@EVERY
def test_it_names_a_public_source(drill: Drill) -> None:
    assert re.search(r"https://\S+\.\w+/|RFC \d+", drill.replays)
    assert drill.says.endswith(".")


@EVERY
def test_its_commands_are_shell(drill: Drill) -> None:
    for command in commands(drill):
        read = subprocess.run(["sh", "-n", "-c", command], capture_output=True, text=True, check=False)
        assert read.returncode == 0, f"{command}\n{read.stderr}"


@EVERY
def test_a_fault_can_be_proved_and_mended(drill: Drill) -> None:
    for fault in drill.faults:
        assert fault.begin.strip()
        assert fault.end.strip()
        assert fault.proof.strip() not in ("", "true", ":")


@EVERY
def test_something_happens_in_it(drill: Drill) -> None:
    ordinary_alone = all(stream.throughout for stream in drill.streams)

    assert drill.faults or drill.steps or drill.primary or not ordinary_alone


@EVERY
def test_a_harmless_one_is_for_any_inventory(drill: Drill) -> None:
    if not drill.harmless:
        return
    assert all(fault.where.on_exchangers for fault in drill.faults)
    assert not drill.inventory
    assert drill.then is None
    for fault in drill.faults:
        assert not OF_THE_LAB.search(f"{fault.begin} {fault.end} {fault.proof}")


def test_those_that_were_asked_for_are_harmless() -> None:
    wanted = {"primary-swap", "drain-and-return", "engine-out", "worker-count", "alert-test"}

    assert {name for name, drill in all_drills().items() if drill.harmless} >= wanted


def test_ci_runs_one_of_each_kind() -> None:
    wanted = {"june-2021", "aug-2020-second", "kill-first"}

    assert {name for name, drill in all_drills().items() if drill.core} >= wanted


@pytest.mark.parametrize("name", ["aug-2020-first", "aug-2020-second", "june-2021"])
def test_the_incidents_of_the_service_are_compared_with_their_time(name: str) -> None:
    then = all_drills()[name].then

    assert then
    assert then.worse >= 10
    assert then.inventory["failover"] == {"mode": "manual"}
    assert then.inventory["gate"] == {"consulted": False}
    assert then.inventory["forwarder"].items() >= {"queue_slots": "shared", "hand_over": False}.items()


@EVERY
def test_its_timeline_is_bounded(drill: Drill) -> None:
    timeline = drill.timeline

    assert timeline.before >= SHORT.before
    assert timeline.after >= SHORT.after
    assert SHORT.fault <= timeline.fault <= LONGEST_FAULT_SECONDS
    if drill.then and drill.then.fault_seconds is not None:
        assert timeline.fault <= drill.then.fault_seconds <= LONGEST_FAULT_SECONDS


@EVERY
def test_its_steps_lie_within_the_fault(drill: Drill) -> None:
    for variant in (drill.steps, drill.then.steps if drill.then else ()):
        moments = [step.at for step in variant]
        assert moments == sorted(moments)
        assert all(0 <= at <= 1 for at in moments)


@EVERY
def test_its_streams_can_be_sent(drill: Drill) -> None:
    names = [stream.name for stream in drill.streams]

    assert len(set(names)) == len(names)
    assert set(drill.holds.refused) <= set(names)
    assert sum(stream.connections for stream in drill.streams) <= CONNECTIONS_OF_A_CLIENT
    for stream in drill.streams:
        seconds = drill.timeline.seconds if stream.throughout else drill.timeline.fault
        assert stream.rate > 0
        assert stream.at_least <= stream.rate * seconds
        assert stream.burst <= stream.rate * drill.timeline.fault


@EVERY
def test_bystanders_stay_below_the_limits(drill: Drill) -> None:
    """Those of the drill's own exchange; a burst comes on top, at one moment."""
    limit = with_flags(LAB, {"drill": f"{drill.name}/calm"}).rate_limits.alias
    bystanders = [stream for stream in drill.streams if stream.bystander]
    ordinary = sum(stream.rate for stream in bystanders if stream.domain is None) / ALIASES
    narrow = sum(stream.rate for stream in bystanders if stream.domain is not None) / (ALIASES / 5)
    burst = sum(stream.burst for stream in bystanders) / ALIASES

    assert (ordinary + narrow) * limit.window_seconds + burst < limit.count


@EVERY
def test_its_alerts_and_acts_exist(drill: Drill) -> None:
    known = {alert.name for group in groups(LAB) for alert in group.alerts}
    own = {name for name in drill.holds.alerts if any(name in fault.begin for fault in drill.faults)}

    assert set(drill.holds.alerts) - own <= known
    for act in (drill.holds.act, *drill.holds.tolerated):
        assert act is None or ACT.fullmatch(act)


def test_the_storm_is_a_program() -> None:
    compile(connection_storm.PROGRAM, "storm", "exec")


@dataclass
class Shell:
    """A shell in which some commands are made up; what they were asked is kept."""

    folder: Path
    made_up: Mapping[str, str]

    def run(self, command: str) -> tuple[int, list[str]]:
        """Exit status, and the made-up commands with their arguments in the order of their calls."""
        log = self.folder / "log"
        log.write_text("")
        for name, program in self.made_up.items():
            file = self.folder / name
            file.write_text(f'#!/bin/sh\necho "{name} $*" >>{log}\n{program}\n')
            file.chmod(0o755)
        done = subprocess.run(
            ["sh", "-ec", f'PATH="{self.folder}:$PATH"\n{command}'], capture_output=True, check=False
        )
        return done.returncode, log.read_text().splitlines()


def orders(first: str, second: str) -> dict[str, str]:
    """`mxctl engine list --json` with such orders of two engines."""
    listed = f'[{{"engine": "rspamd", "order": {first}}}, {{"engine": "spamassassin", "order": {second}}}]'
    return {"mxctl": f"[ \"$2\" != list ] || echo '{listed}'"}


OURS = '{"act": "skip", "by": "root", "reason": "the drill engine-out"}'
SOMEBODYS = '{"act": "skip", "by": "ada", "reason": "slow"}'


def test_engine_out_takes_the_first_engine_and_leaves_the_orders_of_others(tmp_path: Path) -> None:
    fault = all_drills()["engine-out"].faults[0]

    status, asked = Shell(tmp_path, orders("null", "null")).run(fault.begin)
    assert status == 0
    assert asked[-1].startswith("mxctl engine skip rspamd --for ")

    _, asked = Shell(tmp_path, orders(OURS, SOMEBODYS)).run(fault.end)
    assert asked[1:] == ["mxctl engine clear rspamd"]

    status, asked = Shell(tmp_path, orders("null", SOMEBODYS)).run(fault.end)
    assert (status, asked[1:]) == (0, [])


@pytest.mark.parametrize(("order", "holds"), [(OURS, True), (SOMEBODYS, False), ("null", False)])
def test_engine_out_is_proved_by_its_own_order(tmp_path: Path, order: str, holds: bool) -> None:
    status, _ = Shell(tmp_path, orders(order, "null")).run(all_drills()["engine-out"].faults[0].proof)

    assert (status == 0) is holds


def drained(state: str, order: str) -> dict[str, str]:
    """`mxctl failover status --json` of such a host."""
    return {"mxctl": f'[ "$2" != status ] || echo \'{{"state": "{state}", "order": {order}}}\''}


BY_DRILL = '{"by": "root", "reason": "the drill drain-and-return", "until": null}'
BY_ADA = '{"by": "ada", "reason": "new disk", "until": null}'


@pytest.mark.parametrize(
    ("state", "order", "undrains"),
    [("drained", BY_DRILL, True), ("drained", BY_ADA, False), ("active", "null", False)],
)
def test_drain_and_return_ends_its_own_drain_alone(
    tmp_path: Path, state: str, order: str, undrains: bool
) -> None:
    fault = all_drills()["drain-and-return"].faults[0]
    shell = Shell(tmp_path, drained(state, order))

    status, asked = shell.run(fault.end)
    assert status == 0
    assert any("undrain" in line for line in asked) is undrains

    status, _ = shell.run(fault.proof)
    assert (status == 0) is undrains


def test_drain_and_return_does_not_call_a_silent_agent_mended(tmp_path: Path) -> None:
    status, _ = Shell(tmp_path, {"mxctl": "exit 3"}).run(all_drills()["drain-and-return"].faults[0].end)

    assert status != 0


def workers(count: int, active: str) -> dict[str, str]:
    """systemctl on a host with so many workers, those with a number in `active` running."""
    names = " ".join(f"forwarder@{number}.service" for number in range(1, count + 1))
    return {"systemctl": f'case $1 in show) echo {names};; is-active) echo "{active}" | grep -q "$3";; esac'}


@pytest.mark.parametrize(
    ("count", "stopped"),
    [
        (2, "forwarder@2.service"),
        (3, "forwarder@3.service"),
        (12, " ".join(f"forwarder@{number}.service" for number in range(7, 13))),
    ],
)
def test_worker_count_stops_the_last_half(tmp_path: Path, count: int, stopped: str) -> None:
    fault = all_drills()["worker-count"].faults[0]
    shell = Shell(tmp_path, workers(count, "forwarder@1.service"))

    assert shell.run(fault.begin)[1][-1] == f"systemctl stop {stopped}"
    assert shell.run(fault.end)[1][-1] == f"systemctl start {stopped}"
    assert shell.run(fault.proof)[0] == 0


def test_worker_count_is_not_proved_while_one_of_them_runs(tmp_path: Path) -> None:
    shell = Shell(tmp_path, workers(4, "forwarder@1.service forwarder@4.service"))

    assert shell.run(all_drills()["worker-count"].faults[0].proof)[0] != 0


def test_worker_count_leaves_a_single_worker_alone(tmp_path: Path) -> None:
    fault = all_drills()["worker-count"].faults[0]
    shell = Shell(tmp_path, workers(1, ""))

    status, asked = shell.run(fault.begin)
    assert status != 0
    assert not any("stop" in line for line in asked)
    assert shell.run(fault.end)[0] == 0
