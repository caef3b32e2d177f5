"""`twinmx upgrade`: a point release of Debian, one exchanger after the other, each out of service meanwhile.

A rolling converge that installs before it converges: the same plan, lock, drain, gates and way to go on. Only
the way back is missing, since Debian has none: a host that does not pass stays drained, to be looked at.
"""

import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from controller.errors import ControllerError
from controller.lock import Lock
from controller.plan.document import NOTHING, Place, Plan, result_of, summary_of
from controller.remote import Remote
from controller.report import heading, note
from controller.rolling.fleet import Fleet
from controller.rolling.gates import Clock
from controller.rolling.run import Options, Run, chosen, lock_of, preflight
from roles.lib.changes import Change, PackageChange, ServiceChange
from roles.lib.render import render

Result = TypeVar("Result")

UNIT = "twinmx-upgrade"
REQUIRED = "/run/reboot-required"
BOOT = "/proc/sys/kernel/random/boot_id"
ASK_SECONDS, INSTALL_SECONDS, REBOOT_SECONDS = 600.0, 5400.0, 900.0
"""Of installing: less than a drain lasts."""

CONTAINER, HOST = "container", "host"
REBOOT = f"""if test -e {REQUIRED}; then
  if systemd-detect-virt --quiet --container; then echo reboot {CONTAINER}; else echo reboot {HOST}; fi
fi"""
APT = "apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends"
WAITING = f"""export LC_ALL=C
apt-get -qq -o APT::Update::Error-Mode=any update >&2 || exit 1
{APT} --simulate dist-upgrade || exit 1
{REBOOT}"""

DOWNLOAD = f"{APT} --no-remove --download-only dist-upgrade"
CONFFILES = "--force-confdef --force-confold"
"""What a role or an operator has written stays: dpkg(1)."""

KEEP = " ".join(f"-o Dpkg::Options::={option}" for option in CONFFILES.split())
INSTALL = f"""export DEBIAN_FRONTEND=noninteractive LC_ALL=C
{render("base/outdated.j2")}
test -z "$(dpkg --audit)" || dpkg {CONFFILES} --configure --pending || exit 1
{APT} {KEEP} --no-remove dist-upgrade || exit 1
renew
exit 0"""

# A unit of its own: a connection that is cut off in the middle of dpkg(1) would leave half a system behind.
# It is looked at again and again (no --wait), because a new libc has systemd execute itself anew meanwhile.
RUN = f"""settle() {{
  while :; do
    state=$(systemctl show -P ActiveState {UNIT}) && case $state in inactive | failed) return ;; esac
    sleep 1
  done
}}
settle
systemctl reset-failed {UNIT} 2>/dev/null
began=$(date +%s)
systemd-run --quiet --unit={UNIT} sh -c {shlex.quote(INSTALL)} || exit 1
settle
if [ "$state" = failed ]; then
  journalctl --no-pager --quiet -o cat -n 30 -u {UNIT} --since "@$began" >&2
  exit 1
fi
{REBOOT}"""

SIMULATED = re.compile(r"^(Inst|Conf|Remv) (\S+)(?: \[(\S+)\])?(?: \((\S+) )?", re.MULTILINE)


@dataclass(frozen=True)
class Waiting:
    """What apt has for a host. removed: what would have to go for it. reboot: HOST, CONTAINER, or none."""

    packages: tuple[PackageChange, ...] = ()
    removed: tuple[str, ...] = ()
    reboot: str = ""

    @classmethod
    def read(cls, said: str) -> "Waiting":
        """From the lines of `apt-get --simulate` (apt-get(8)) and of REBOOT."""
        found: dict[str, PackageChange] = {}
        removed = []
        for act, name, installed, version in SIMULATED.findall(said):
            if act == "Remv":
                removed.append(name)
            elif act == "Inst" and not installed:
                found[name] = PackageChange(name=name, action="install")
            elif act == "Inst":
                found[name] = PackageChange(
                    name=name, action="upgrade", installed=installed, at_least=version
                )
            else:  # unpacked by a run that was broken off
                found.setdefault(name, PackageChange(name=name, action="upgrade"))
        return cls(tuple(found.values()), tuple(removed), reboot_of(said))

    @property
    def changes(self) -> tuple[Change, ...]:
        """As lines of a plan."""
        rebooted = ServiceChange(name="the whole host", action="restart", units=(), reasons=(REQUIRED,))
        return (*self.packages, *((rebooted,) if self.reboot == HOST else ()))

    @property
    def errors(self) -> tuple[str, ...]:
        """What an operator has to decide first."""
        if not self.removed:
            return ()
        return (
            f"apt would remove {', '.join(self.removed)}: see `apt-get --simulate dist-upgrade` there, and "
            "do that by hand first",
        )


def reboot_of(said: str) -> str:
    """What REBOOT has printed, at the end of other lines or alone."""
    found = re.search(r"^reboot (\w+)$", said, re.MULTILINE)
    return found[1] if found else ""


class Upgrading(Fleet):
    """A fleet whose plan has what apt has for each exchanger, and whose converge installs that first."""

    lock: Lock
    clock = Clock()
    waits: dict[str, Waiting]

    def plan(self) -> Plan:
        """Of the exchangers alone, after `apt-get update`; nothing else is touched."""
        plan = super().plan()
        self.waits, errors = {}, {}
        names = [name for name in plan.hosts if name in self.exchange.exchangers]
        for name, asked in zip(names, at_once(self.asked, names), strict=True):
            if isinstance(asked, str):
                self.waits[name], errors[name] = Waiting(), [asked]
            else:
                self.waits[name], errors[name] = asked, list(asked.errors)
        hosts = {name: _with(plan.hosts[name], self.waits[name].changes, errors[name]) for name in names}
        return _only(plan, hosts)

    def asked(self, name: str) -> Waiting | str:
        """What waits for a host; a sentence where apt could not tell."""
        answer = self.remotes[name].try_(WAITING, seconds=ASK_SECONDS)
        return f"apt: {answer.said}" if answer.status else Waiting.read(answer.output)

    def download(self, names: Sequence[str]) -> None:
        """Fetch what waits, while all of them take mail; ControllerError where one cannot."""
        wanting = [name for name in names if self.waits[name].packages]
        at_once(lambda name: self.remotes[name].run(DOWNLOAD, seconds=INSTALL_SECONDS), wanting)

    def converge(self, names: Sequence[str]) -> dict[str, str]:
        """Install, reboot where that is required, then converge; by host, what failed."""
        told = dict(zip(names, at_once(self._renewed, names), strict=True))
        failed = {name: why for name, why in told.items() if why}
        left = [name for name in names if name not in failed]
        return failed | (super().converge(left) if left else {})

    def _renewed(self, name: str) -> str:
        try:
            self._renew(name, self.waits[name])
        except ControllerError as error:
            return str(error)
        return ""

    def _renew(self, name: str, waiting: Waiting) -> None:
        reboot = self.install(name) if waiting.packages else waiting.reboot
        if waiting.packages:
            note(f"✓ {name}: {len(waiting.packages)} packages are installed")
        if reboot == CONTAINER:
            note(f"{name}: {REQUIRED} is there: a container has no kernel of its own, so it is not rebooted")
        if reboot == HOST:
            began = time.monotonic()
            with self.lock.away(name):
                self.reboot(name)
            note(f"✓ {name}: it was rebooted ({time.monotonic() - began:.0f} s)")

    def install(self, name: str) -> str:
        """Bring the packages of a host to what apt has; the reboot that is required afterwards."""
        return reboot_of(self.remotes[name].run(RUN, seconds=INSTALL_SECONDS))

    def reboot(self, name: str) -> None:
        """Reboot a host, and wait until it has started all that it starts."""
        remote = self.remotes[name]
        before = remote.run(f"cat {BOOT}")
        remote.try_("systemctl --no-block reboot")
        deadline = self.clock.now() + REBOOT_SECONDS
        while not _is_back(remote, before):
            if self.clock.now() >= deadline:
                raise ControllerError(
                    f"{name}: not back {REBOOT_SECONDS:g} s after its reboot: look at its console"
                )
            self.clock.sleep(2)


def _is_back(remote: Remote, before: str) -> bool:
    answer = remote.try_(f"systemctl is-system-running --wait >/dev/null; cat {BOOT}")
    return not answer.status and answer.output != before


def _with(place: Place, changes: Sequence[Change], errors: Sequence[str]) -> Place:
    everything, wrong = [*changes, *place.changes], [*place.errors, *errors]
    summary = summary_of(everything, wrong)
    return place.model_copy(update={"summary": summary, "changes": everything, "errors": wrong})


def _only(plan: Plan, hosts: Mapping[str, Place]) -> Plan:
    nowhere = Place(summary=NOTHING, changes=[], kept=[], by_hand=[], errors=[])
    return plan.model_copy(update={"hosts": dict(hosts), "dns": nowhere, "result": result_of(hosts.values())})


def at_once(act: Callable[[str], Result], names: Sequence[str]) -> list[Result]:
    """Do it with all of `names` at the same time."""
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        return list(pool.map(act, names))


def planned(fleet: Upgrading, names: Sequence[str]) -> Plan:
    """What `upgrade` would do with `names`, or with all exchangers."""
    wanted = chosen(fleet, names)
    plan = fleet.plan()
    return _only(plan, {name: place for name, place in plan.hosts.items() if name in wanted})


def upgrade(fleet: Upgrading, options: Options) -> None:
    """Bring the exchangers to what apt has for them; ControllerError as of a rolling converge.

    The database's host and DNS are left alone.
    """
    names = chosen(fleet, options.hosts)
    fleet.lock = lock_of(fleet, names)
    heading("all hosts")
    with fleet.lock.held(break_stale=options.break_lock):
        prepared = preflight(fleet, names)
        fleet.download(names)
        Run(fleet, options, fleet.lock, fleet.clock).carry_out(prepared)
