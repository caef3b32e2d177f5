"""What a drill puts on a host: the script as a shell runs it, the unit, and what a converge runs there."""

import os
import subprocess
from pathlib import Path

import pytest

import drills
from drills.lib.model import Drill, Fault, Where
from inventory.drills import UnderWay
from inventory.schema import Exchange
from roles import drill
from roles.lib.converge import APPLIED
from roles.lib.observed import Observed
from tests.unit.roles.exchanges import MX1, MX2, MX3, exchange, site
from tests.unit.roles.kept_host import Host
from tests.unit.roles.rendered import named, text

QUOTED = 'it\'s $HOME "here"'


def fault(where: Where, name: str, *, end: str = "") -> Fault:
    """One that writes down in ./log what is done to it, and is there while its file is."""
    return Fault(
        where,
        begin=f"echo begin {name} >>log\ntouch {name}",
        end=f"echo end {name} >>log\n{end}\nrm -f {name}",
        proof=f"test -e {name}",
    )


def under_way(
    *faults: Fault, monkeypatch: pytest.MonkeyPatch, of: Exchange | None = None, **how: object
) -> Exchange:
    """An exchange with a drill of these faults."""
    known = {"storm": Drill(name="storm", says="", replays="", faults=faults)}
    monkeypatch.setattr(drills, "all_drills", lambda: known)
    before = of or exchange()
    order = sorted(before.exchangers, key=lambda name: before.exchangers[name].mx_priority)
    found = UnderWay.model_validate({"name": "storm", "order": order} | how)
    return before.model_copy(update={"drills": before.drills.model_copy(update={"under_way": found})})


def lay_out(of: Exchange, folder: Path, name: str = "mx1") -> Path:
    """The script, as a file in `folder`."""
    file = folder / "twinmx-drill"
    file.write_text(text(named(drill.render_files(site(of, name)), "twinmx-drill")))
    file.chmod(0o700)
    return file


def run(script: Path, word: str) -> int:
    return subprocess.run([script, word], cwd=script.parent, check=False).returncode


def log(script: Path) -> list[str]:
    return (script.parent / "log").read_text().splitlines()


def test_faults_begin_in_order_and_end_in_the_opposite_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = under_way(fault(Where.ALL, "one"), fault(Where.FIRST, "two"), monkeypatch=monkeypatch)
    script = lay_out(of, tmp_path)

    assert run(script, "proof") != 0
    assert run(script, "begin") == 0
    assert run(script, "proof") == 0
    (tmp_path / "one").unlink()
    assert run(script, "proof") != 0, "all of them are asked"
    assert run(script, "end") == 0
    assert run(script, "end") == 0, "it does no harm twice"
    assert log(script)[:4] == ["begin one", "begin two", "end two", "end one"]


def test_every_end_is_run_whatever_became_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = (fault(Where.ALL, "one"), fault(Where.ALL, "two", end="false"))
    script = lay_out(under_way(*faults, monkeypatch=monkeypatch), tmp_path)

    assert run(script, "begin") == 0
    assert run(script, "end") != 0
    assert log(script)[2:] == ["end two", "end one"]
    assert (tmp_path / "two").exists(), "a command that fails ends the fault's own"


def test_after_a_begin_that_fails_none_other_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Fault(Where.ALL, begin="false; touch beyond", end="true", proof="true")
    script = lay_out(under_way(broken, fault(Where.ALL, "two"), monkeypatch=monkeypatch), tmp_path)

    assert run(script, "begin") != 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["twinmx-drill"]


def test_a_command_reaches_the_shell_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = f"cat >said <<'END'\n{QUOTED} {{{{ braces }}}}\nEND\ncat said"
    here = Fault(Where.ALL, begin=begin, end="exit 0", proof="grep -q here said && exit 0")
    script = lay_out(under_way(here, monkeypatch=monkeypatch), tmp_path)

    assert run(script, "begin") == 0
    assert (tmp_path / "said").read_text() == f"{QUOTED} {{{{ braces }}}}\n"
    assert run(script, "proof") == 0


@pytest.mark.parametrize("word", ["", "start"])
def test_other_words_do_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    script = lay_out(under_way(fault(Where.ALL, "one"), monkeypatch=monkeypatch), tmp_path)

    assert run(script, word) == 2
    assert not (tmp_path / "log").exists()


def test_what_no_shell_reads_is_refused_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    good = fault(Where.ALL, "one")
    torn = Fault(Where.ALL, begin="true", end="if true; then touch done", proof="true")

    def checked(*faults: Fault) -> int:
        return subprocess.run(["sh", "-c", drill.check_of(faults)], cwd=tmp_path, check=False).returncode

    assert checked(good) == 0
    assert checked(good, torn) != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "places"), [("mx3", "FIRST ALL"), ("mx1", "ALL"), ("mx2", "LAST ALL")], ids=["5", "10", "20"]
)
def test_places_are_counted_in_the_order_of_preference(
    name: str, places: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [fault(where, where.name) for where in Where]
    of = under_way(*faults, monkeypatch=monkeypatch, of=exchange(MX1, MX2, MX3))

    assert {one.where.name for one in drill.faults_here(site(of, name))} == set(places.split())


def test_a_host_without_a_fault_has_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    one = fault(Where.FIRST, "one")

    assert drill.render_files(site(exchange())) == []
    assert drill.render_files(site(under_way(one, monkeypatch=monkeypatch), "mx2")) == []
    assert drill.render_files(site(under_way(one, monkeypatch=monkeypatch, calm=True))) == []


def test_the_unit_ends_by_itself_and_starts_with_no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    of = under_way(fault(Where.ALL, "one"), monkeypatch=monkeypatch, limit_seconds=90)
    unit = text(named(drill.render_files(site(of)), drill.UNIT)).splitlines()

    assert "ExecStart=/usr/bin/sleep 90" in unit
    assert f"ExecStartPre={drill.SCRIPT} begin" in unit
    assert f"ExecStopPost={drill.SCRIPT} end" in unit
    assert "[Install]" not in unit
    assert named(drill.render_files(site(of)), "twinmx-drill").mode == "0700"


def seen(of: Exchange, state: str) -> Observed:
    """A host with the files of the drill, and its unit in this state."""
    files = {file.path: file.state for file in drill.render_files(site(of))}
    return Observed({}, dict(files), {drill.UNIT: {"ActiveState": state}}, {}, {})


def test_a_drill_is_under_way_while_its_unit_runs_with_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    longer = under_way(fault(Where.ALL, "one"), monkeypatch=monkeypatch, limit_seconds=90)
    of = under_way(fault(Where.ALL, "one"), monkeypatch=monkeypatch)
    files = drill.render_files(site(of))

    assert drill.under_way_as(files, seen(of, "active"))
    assert not drill.under_way_as(files, seen(of, "inactive"))
    assert not drill.under_way_as(files, seen(longer, "active"))
    assert not drill.under_way_as([], seen(of, "active"))


SYSTEMCTL = """#!/bin/sh
echo "$@" >>{folder}/asked
case $1 in
  show) cat {folder}/state ;;
  stop) {folder}/twinmx-drill end && echo inactive >{folder}/state || echo failed >{folder}/state ;;
  is-failed) grep -q failed {folder}/state ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What was asked of a systemd in `tmp_path`, which knows one unit, in the state that a file has."""
    for name, content in (
        ("systemctl", SYSTEMCTL.format(folder=tmp_path)),
        ("journalctl", "#!/bin/sh\n"),
    ):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "asked"


def on_host(command: str, folder: Path) -> int:
    """Run what a converge runs, on a host in a folder."""
    there = command.replace(drill.SCRIPT, f"{folder}/twinmx-drill").replace(APPLIED, f"{folder}/var/applied")
    return subprocess.run(["sh", "-c", there], capture_output=True, check=False).returncode


def end(folder: Path, state: str, script: str) -> int:
    """Run what a converge runs to end a drill."""
    file = folder / "twinmx-drill"
    file.write_text(f"#!/bin/sh\ncd {folder}\necho $1 >>log\n{script}\n")
    file.chmod(0o700)
    (folder / "state").write_text(f"{state}\n")
    (folder / "var" / "applied").mkdir(parents=True)
    (folder / "var" / "applied" / "drill").touch()
    return on_host(drill.END, folder)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("active", "its unit ends it"),
        ("activating", "also while it begins"),
        ("inactive", "after a reboot, or its time"),
        ("failed", "it could not be begun"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_a_drill_is_ended_once_whatever_its_unit_does(tmp_path: Path, state: str, why: str) -> None:
    assert end(tmp_path, state, "true") == 0
    assert (tmp_path / "log").read_text() == "end\n", why
    assert not (tmp_path / "var" / "applied" / "drill").exists()


@pytest.mark.usefixtures("asked")
def test_what_could_not_be_ended_is_tried_once_more(tmp_path: Path) -> None:
    assert end(tmp_path, "active", "test -e tried || { touch tried; exit 1; }") == 0
    assert (tmp_path / "log").read_text() == "end\nend\n"


@pytest.mark.usefixtures("asked")
def test_a_drill_that_cannot_be_ended_fails_the_converge_and_stays_known(tmp_path: Path) -> None:
    assert end(tmp_path, "active", "false") == 1
    assert (tmp_path / "var" / "applied" / "drill").exists()


def test_a_rollback_stops_a_drill_and_begins_none(tmp_path: Path, asked: Path) -> None:
    """As the host itself goes back (roles/lib/onhost/generation.py)."""
    host = Host(tmp_path)
    file = host.put("main.cf", "1")
    host.apply("postfix", "main.cf")
    host.do("save", file)
    assert on_host(drill.begin_command(), tmp_path) == 0

    host.do("rollback")

    assert asked.read_text().splitlines()[-2:] == [
        f"restart {drill.UNIT}",
        f"disable --quiet --now {drill.UNIT}",
    ]
    assert host.starts == []
    assert not (host.home / "applied" / "drill").exists()
