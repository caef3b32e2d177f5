"""The drill that is under way: what it breaks on this host, put in by a converge and mended by the next.

Ports: none. Nothing of it is on a host without a drill. With one there is a script that breaks, mends and
proves, and a unit that runs it: whoever stops the unit, a converge, its time limit or a shutdown, mends.
`recover` comes before all other roles, since they cannot work with a full disk or without DNS; `deploy`
comes after them, since nobody converges a host that is broken (docs/adr/0026).
"""

import json
import shlex
from collections.abc import Generator, Sequence
from dataclasses import replace

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

import drills
from drills.lib.model import Fault
from roles.lib.changes import StepChange
from roles.lib.converge import APPLIED
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.observed import Observed, announce, forget, observe
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.lib.telling import tell

NAME, UNIT = "drill", "drill.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
SCRIPT = "/usr/local/lib/twinmx-drill"
PATIENCE_SECONDS = 300
"""For all faults of a host to begin, and for all to end."""

RUNS = ("active", "activating", "deactivating")
WHICH = f"sed -n 's/^# drill //p' {SCRIPT} || true"

BEGIN = f"""set -e
systemctl daemon-reload
systemctl reset-failed {UNIT} 2>/dev/null || true
install -d {APPLIED}
printf %s {{applied}} >{APPLIED}/{NAME}
systemctl restart {UNIT} || {{{{
  journalctl --no-pager -n 30 -o cat -u {UNIT}
  exit 1
}}}}"""

END = f"""end() {{
  case $(systemctl show --property ActiveState --value {UNIT}) in
  {" | ".join(RUNS)})
    systemctl stop {UNIT}
    systemctl is-failed --quiet {UNIT} || return 0
    ;;
  esac
  test ! -e {SCRIPT} || {SCRIPT} end || return 1
  systemctl reset-failed {UNIT} 2>/dev/null || true
}}
end || {{
  journalctl --no-pager -n 30 -o cat -u {UNIT}
  echo 'The drill could not be ended on this host. Mend what is named above, and converge again.'
  exit 1
}}
rm -f {APPLIED}/{NAME}"""


def faults_here(site: Site) -> list[Fault]:
    """What the drill that is under way breaks on this host."""
    under_way = site.exchange.drills.under_way
    if under_way is None or under_way.calm:
        return []
    position = under_way.order.index(site.name)
    return drills.all_drills()[under_way.name].faults_on(position, len(under_way.order))


def render_files(site: Site) -> list[Managed]:
    """The script and its unit; none where nothing is broken here."""
    faults, under_way = faults_here(site), site.exchange.drills.under_way
    if not faults or under_way is None:
        return []
    quoted = [
        replace(fault, begin=_shell(fault.begin), end=_shell(fault.end), proof=_shell(fault.proof))
        for fault in faults
    ]
    unit = render(
        "drill/drill.service.j2",
        drill=under_way.name,
        script=SCRIPT,
        seconds=site.exchange.drills.limit_seconds,
        patience_seconds=PATIENCE_SECONDS,
    )
    script = render("drill/twinmx-drill.j2", drill=under_way.name, faults=quoted)
    return [ManagedFile(SCRIPT, script, mode="0700"), ManagedFile(UNIT_FILE, unit)]


def _shell(command: str) -> str:
    """A shell of its own, which ends at the first command that fails, wherever it stands."""
    return f"sh -ec {shlex.quote(command)}"


def check_of(faults: Sequence[Fault]) -> str:
    """A shell command that reads all of theirs and runs none."""
    commands = [command for fault in faults for command in (fault.begin, fault.end, fault.proof)]
    return "\n".join(["set -e", *(f"sh -nc {shlex.quote(command)}" for command in commands)])


def begin_command() -> str:
    """Start the unit.

    A rollback of the converge that does so stops it again: it is written down as applied. It is not as
    converged, or the rollback of the next converge, which ends it, would begin it anew.
    """
    how = {"order": 0, "apply": "true", "healthy": "true", "units": [UNIT], "seconds": 1}
    return f"sh -c {shlex.quote(BEGIN.format(applied=shlex.quote(json.dumps(how))))}"


def under_way_as(files: Sequence[Managed], seen: Observed) -> bool:
    """Whether the host runs a drill with exactly these files."""
    there = all(seen.files.get(file.path) == file.state for file in files)
    return bool(files) and there and seen.units.get(UNIT, {}).get("ActiveState") == "active"


@operation()
def _ended(files: Sequence[Managed]) -> Generator[StringCommand, None, None]:
    """End what is here and not wanted, also where its unit no longer runs: a fault may outlive a reboot."""
    seen = observe()
    runs = seen.units.get(UNIT, {}).get("ActiveState") in RUNS
    if under_way_as(files, seen) or not (runs or seen.files.get(SCRIPT)):
        return
    which = host.get_fact(Command, WHICH) if seen.files.get(SCRIPT) else ""
    tell(StepChange(text=f"drill {which} ends" if which else "a drill ends"))
    yield StringCommand(f"sh -c {shlex.quote(END)}")
    forget()


@operation()
def _begun(files: Sequence[Managed], drill: str, seconds: int) -> Generator[StringCommand, None, None]:
    if under_way_as(files, observe()):
        return
    tell(StepChange(text=f"drill {drill} begins; the host ends it after {seconds} s"))
    yield StringCommand(begin_command())
    forget()


@role(NAME)
def recover(site: Site) -> None:
    """End the drill on the host, unless it is the one that is wanted; put the files of that one in place."""
    files = render_files(site)
    announce(paths=[SCRIPT, UNIT_FILE], units=[UNIT])
    _ended(files=files, name="drill: ended")
    absent = [] if files else [SCRIPT, UNIT_FILE]
    checked_files(NAME, files, check=check_of(faults_here(site)) if files else "", absent=absent)


@role(NAME)
def deploy(site: Site) -> None:
    """Break what the drill breaks here."""
    under_way, files = site.exchange.drills.under_way, render_files(site)
    if under_way and files:
        seconds = site.exchange.drills.limit_seconds
        _begun(files=files, drill=under_way.name, seconds=seconds, name="drill: begun")
