"""Security updates that respect the pair: the hours, and the script around them with scripted programs."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from inventory.schema import Exchange
from roles.base import TURN, UPGRADED, render_files, surplus, upgrade_time
from roles.lib.render import render
from tests.unit.roles.exchanges import DATABASE, MX1, MX2, MX3, exchange, site
from tests.unit.roles.rendered import named, text

NETWORK = {"ssh_from": ["192.0.2.0/28"]}
Run = Callable[[str], subprocess.CompletedProcess[str]]


def paths(of: Exchange, name: str = "mx1") -> set[str]:
    return {file.path for file in render_files(site(of, name))}


def test_no_two_exchangers_have_the_same_hour_and_the_last_comes_first() -> None:
    of = exchange(MX1, MX2, MX3)

    assert [upgrade_time(site(of, name)) for name in ("mx3", "mx2", "mx1")] == ["02:00", "04:00", "06:00"]


def test_a_primary_that_is_swapped_moves_no_hour() -> None:
    swapped = exchange(MX1 | {"mx_priority": 20}, MX2 | {"mx_priority": 10})

    assert [upgrade_time(site(swapped, name)) for name in ("mx2", "mx1")] == ["02:00", "04:00"]


def test_the_hours_go_round_the_clock() -> None:
    of = exchange(access=NETWORK | {"upgrades_from": "23:30"})

    assert [upgrade_time(site(of, name)) for name in ("mx2", "mx1")] == ["23:30", "01:30"]


def test_a_fleet_still_has_a_time_for_each() -> None:
    hosts = [
        {"fqdn": f"m{n}.alias.example", "address": f"198.51.100.{n}", "mx_priority": n} for n in range(1, 25)
    ]
    of = exchange(*hosts)

    assert len({upgrade_time(site(of, name)) for name in of.exchangers}) == 24


def test_the_host_of_the_database_comes_last_and_drains_nobody() -> None:
    of = exchange(alias_source="postgresql", database=DATABASE)

    assert upgrade_time(site(of, "database")) == "06:00"
    assert TURN not in paths(of, "database")


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(exchange(MX1), id="no peer"),
        pytest.param(exchange(MX1 | {"active": False}, MX2), id="out of service"),
    ],
)
def test_who_cannot_hand_over_is_upgraded_without(of: Exchange) -> None:
    assert TURN not in paths(of)
    assert any("apt-daily-upgrade.timer.d" in path for path in paths(of))


def test_nothing_of_it_stays_where_operators_install_updates_themselves() -> None:
    files = render_files(site(exchange(access=NETWORK | {"upgrades": False})))

    assert not [file.path for file in files if "upgrade" in file.path and "apt.conf.d" not in file.path]
    assert {TURN, UPGRADED} <= set(surplus(files))
    assert len(surplus(files)) == 4


def test_what_is_counted_stays_while_turns_are_taken() -> None:
    assert surplus(render_files(site())) == []


def test_the_packaged_hour_and_its_chance_are_gone() -> None:
    timer = text(named(render_files(site()), "apt-daily-upgrade.timer.d/twinmx.conf")).splitlines()

    assert timer.index("OnCalendar=") < timer.index("OnCalendar=*-*-* 04:00:00 UTC")
    assert {"RandomizedDelaySec=0", "Persistent=no"} <= set(timer)


SCRIPTED = """#!/bin/sh
echo "{name} $*" >>{log}
{rest}
"""


@pytest.fixture
def turn(tmp_path: Path) -> Run:
    """Runs the script with programs that write down how they are called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    script = programs / "turn"
    mark, figures = tmp_path / "mark", tmp_path / "figures" / "upgrades.prom"
    script.write_text(render("base/upgrade-turn.j2", minutes=60, mark=mark, figures=figures))
    script.chmod(0o755)

    def run(argument: str) -> subprocess.CompletedProcess[str]:
        path = f"{programs}:/usr/bin:/bin"
        return subprocess.run([script, argument], env={"PATH": path}, capture_output=True, text=True)  # noqa: PLW1510

    scripted(tmp_path, "systemctl")
    return run


def scripted(home: Path, name: str, rest: str = "exit 0") -> None:
    """A program that answers as it shall."""
    file = home / "bin" / name
    file.write_text(SCRIPTED.format(name=name, log=home / "log", rest=rest))
    file.chmod(0o755)


def pending(home: Path, packages: str, status: int = 0) -> None:
    """What unattended-upgrade would install, and its exit status."""
    said = (
        f"Packages that will be upgraded: {packages}"
        if packages
        else "No packages found that can be upgraded"
    )
    scripted(home, "unattended-upgrade", f"echo '{said}' >&2; exit {status}")


def clock(home: Path, seconds: int) -> None:
    """What time it is."""
    scripted(home, "date", f"echo {seconds}")


def upgraded(home: Path) -> int | None:
    """The figure that the node exporter reads; None where there is none."""
    file = home / "figures" / "upgrades.prom"
    if not file.exists():
        return None
    assert file.stat().st_mode & 0o777 == 0o644
    (family,) = text_string_to_metric_families(file.read_text())
    (sample,) = family.samples
    assert (sample.name, family.type) == ("twinmx_upgraded_seconds", "gauge")
    return int(sample.value)


def agent(home: Path, state: str, drain: int = 0) -> None:
    """An agent that is in `state`, and answers a drain with that exit status."""
    shown = json.dumps({"state": state})
    scripted(home, "mxctl", f"case $1 in failover) echo '{shown}';; drain) exit {drain};; esac")


def asked(home: Path, program: str = "mxctl") -> list[str]:
    """How a program was called, in order."""
    return [line for line in (home / "log").read_text().splitlines() if line.startswith(program)]


def test_an_exchanger_drains_and_comes_back(turn: Run, tmp_path: Path) -> None:
    pending(tmp_path, "postfix")
    agent(tmp_path, "active")

    assert turn("begin").returncode == 0
    assert asked(tmp_path)[-1] == "mxctl drain --for 60m --reason security updates --wait"

    assert turn("end").returncode == 0
    assert asked(tmp_path)[-1] == "mxctl undrain --reason security updates"


def test_with_nothing_to_install_nobody_is_drained(turn: Run, tmp_path: Path) -> None:
    pending(tmp_path, "")
    agent(tmp_path, "active")

    assert turn("begin").returncode == 0
    assert turn("end").returncode == 0
    assert asked(tmp_path) == []


def test_an_upgrade_is_put_off_when_the_peer_does_not_promise(turn: Run, tmp_path: Path) -> None:
    pending(tmp_path, "postfix")
    agent(tmp_path, "active", drain=1)

    put_off = turn("begin")

    assert put_off.returncode == 1
    assert "no upgrade today" in put_off.stdout
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("state", ["returning", "", "nonsense"])
def test_an_upgrade_is_put_off_when_it_is_not_known_how_we_are(turn: Run, tmp_path: Path, state: str) -> None:
    pending(tmp_path, "postfix")
    agent(tmp_path, state)

    assert turn("begin").returncode == 1
    assert not [call for call in asked(tmp_path) if "drain" in call]


@pytest.mark.parametrize("state", ["draining", "drained"])
def test_a_drain_of_somebody_else_stays(turn: Run, tmp_path: Path, state: str) -> None:
    pending(tmp_path, "postfix")
    agent(tmp_path, state)

    assert turn("begin").returncode == 0
    assert turn("end").returncode == 0
    assert not [call for call in asked(tmp_path) if "drain" in call]


def test_the_figure_grows_old_while_upgrades_are_put_off_and_is_new_when_all_is_installed(
    turn: Run, tmp_path: Path
) -> None:
    agent(tmp_path, "active", drain=1)
    seen = []
    for day, packages in enumerate(["", "postfix", "postfix rspamd"], start=1):
        clock(tmp_path, 1000 * day)
        pending(tmp_path, packages)
        turn("begin")
        seen.append(upgraded(tmp_path))
    agent(tmp_path, "active")
    clock(tmp_path, 4000)
    turn("begin")
    seen.append(upgraded(tmp_path))
    pending(tmp_path, "")
    turn("end")

    assert [*seen, upgraded(tmp_path)] == [1000, 1000, 1000, 1000, 4000]


def test_an_upgrade_that_failed_leaves_the_figure_old(turn: Run, tmp_path: Path) -> None:
    agent(tmp_path, "active")
    for now, step in ((1000, "begin"), (2000, "end")):
        clock(tmp_path, now)
        pending(tmp_path, "postfix")
        turn(step)

    assert upgraded(tmp_path) == 1000, "counted from the first day on"


def test_what_could_not_be_looked_at_is_not_called_installed(turn: Run, tmp_path: Path) -> None:
    agent(tmp_path, "active")
    pending(tmp_path, "", status=1)

    assert turn("begin").returncode == 0
    turn("end")
    assert upgraded(tmp_path) is None
