"""A restart is a state, not an event.

Each converged thing has a fingerprint of what it was last started with: the files it reads, the versions
of its packages, the command that applies them. Where the fingerprint on the host differs, or a unit is
not active, the command runs, health is awaited, and only then a stamp is written: the new fingerprint,
then the paths of the files. A converge that was interrupted between the files and the restart therefore
restarts at the next one. Who puts a file in place first removes the stamps that name it, so a file that
was changed by hand, perhaps with a restart, is put back and its service restarted.
"""

import hashlib
import itertools
import json
import shlex
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Literal

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from roles.lib.changes import Anything, FileChange, PackageChange, ReleaseChange, ServiceChange
from roles.lib.managed import Managed
from roles.lib.observed import Observed, announce, forget, observe
from roles.lib.telling import tell, told
from roles.lib.wanted import want

HOME = "/var/lib/twinmx"
STAMPS = f"{HOME}/converged"
APPLIED = f"{HOME}/applied"
"""How each of them was applied last, as JSON: what a rollback does again (roles/lib/onhost/generation.py)."""
GENERATIONS = f"{HOME}/generations"
PENDING = f"{GENERATIONS}/pending"
"""What the host was before a converge that has not been found good yet."""
UNIT_FILES = "/etc/systemd/system/"

PATIENCE_SECONDS = 300  # a service that neither stops nor starts must not hold a converge for ever

# by host: roles are prepared in the order in which they are applied
_positions: dict[str, Iterator[int]] = defaultdict(itertools.count)

APPLY = """mkdir -p {stamps} {applied} && rm -f {stamp} && printf '%s' {how} >{applied}/{name} || exit 1
evidence() {{
  {evidence}
  exit 1
}}
timeout {patience} sh -ec {apply}
[ $? = 0 ] || {{ echo "{name}: could not be applied (it had {patience} s)"; evidence; }}
deadline=$(( $(date +%s) + {seconds} ))
until ( {healthy} ) >/run/twinmx-health 2>&1; do
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "{name}: not healthy {seconds} s after it was applied; the check was:" {quoted_healthy}
    cat /run/twinmx-health
    evidence
  fi
  sleep 0.2
done
printf '%s\n' {content} >{stamp}"""

# What a unit file says (a sandbox, limits) holds from a start on; a reload leaves ActiveEnterTimestamp alone.
# In whole seconds a service would be older than the file it was started right after.
LIVE = """started=$(systemctl show --timestamp=us+utc -P ActiveEnterTimestamp {unit})
if [ -n "$(find {files} -newermt "$started" -print -quit)" ]; then systemctl restart {unit}
else systemctl reload-or-restart {unit}; fi"""


def fingerprint(inputs: Sequence[Managed], versions: dict[str, str], apply: str) -> str:
    """SHA-256 over what a service is started with; equal inputs give equal fingerprints."""
    described = {file.path: file.state for file in inputs}
    text = json.dumps([described, versions, apply], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _changed_inputs(
    inputs: Sequence[Managed], packages: Sequence[str], seen: Observed, before: Iterable[Anything]
) -> list[str]:
    """Inputs that differ from the host's, or did until an operation before this one changed them.

    In a plan nothing is changed yet, so what an earlier operation is going to install counts as well.
    """
    moved, installed = {}, []
    for change in before:
        if isinstance(change, FileChange):
            moved[change.path] = change.path
        elif isinstance(change, ReleaseChange):
            moved[change.path] = f"release {change.version}"
        elif isinstance(change, PackageChange) and change.name in packages:
            installed.append(f"package {change.name}")
    files = [file for file in inputs if file.path in moved or seen.files.get(file.path) != file.state]
    return [*(moved.get(file.path, file.path) for file in files), *installed]


def _unsettled(units: Sequence[str], at_boot: Sequence[str], seen: Observed) -> list[str]:
    found = []
    for unit in units:
        shown = seen.units.get(unit, {})
        if shown.get("ActiveState") != "active":
            found.append(f"{unit} is {shown.get('ActiveState', 'not there')}")
        elif shown.get("NeedDaemonReload") == "yes":
            found.append(f"the unit {unit} was changed after it was loaded")
    idle = [unit for unit in at_boot if seen.units.get(unit, {}).get("UnitFileState") != "enabled"]
    return [*found, *(f"{unit} does not start at boot" for unit in idle)]


def _outdated(stamp: str | None, wanted: str) -> list[str]:
    if stamp == wanted:
        return []
    if stamp is None:
        return ["a converge was broken off, or has put a file back"]
    return ["what it was last started with differs (a package's version, or how it is applied)"]


def _unit_files(inputs: Sequence[Managed]) -> list[str]:
    return [file.path for file in inputs if file.path.startswith(UNIT_FILES)]


def start_command(unit: str, unit_files: Sequence[str], *, reload: bool) -> str:
    """What has `unit` run on new files: a reload, unless it was started before its unit files were written.

    unit: quoted for a shell.
    """
    if reload and unit_files:
        return LIVE.format(unit=unit, files=shlex.join(unit_files))
    return f"systemctl {'reload-or-restart' if reload else 'restart'} {unit}"


def _renewed(units: Sequence[str], reasons: Sequence[str], seen: Observed) -> bool:
    """Whether a unit file is or will be newer than the running service, which takes it at a start alone."""
    stale = any(seen.units.get(unit, {}).get("NeedDaemonReload") == "yes" for unit in units)
    return stale or any(reason.startswith(UNIT_FILES) for reason in reasons)


@operation()
def _converged(
    label: str,
    apply: str,
    healthy: str,
    inputs: Sequence[Managed],
    units: Sequence[str],
    at_boot: Sequence[str],
    packages: Sequence[str],
    seconds: int,
    verb: Literal["restart", "reload"],
    position: int,
) -> Generator[StringCommand, None, None]:
    seen = observe()
    versions = {package: seen.packages.get(package, "") for package in packages}
    wanted = fingerprint(inputs, versions, apply)
    reasons = _changed_inputs(inputs, packages, seen, told()) + _unsettled(units, at_boot, seen)
    reasons = reasons or _outdated(seen.stamps.get(label), wanted)
    if not reasons:
        return
    runs = all(seen.units.get(unit, {}).get("ActiveState") == "active" for unit in units)
    renewed = verb == "reload" and _renewed(units, reasons, seen)
    action = "apply" if not units else "start" if not runs else "restart" if renewed else verb
    tell(ServiceChange(name=label, action=action, units=tuple(units), reasons=tuple(reasons)))
    evidence = f"journalctl --no-pager -n 30 {' '.join(f'-u {shlex.quote(u)}' for u in units)}"
    how = {"order": position, "apply": apply, "healthy": healthy, "units": list(units), "seconds": seconds}
    script = APPLY.format(
        name=label,
        applied=APPLIED,
        how=shlex.quote(json.dumps(how)),
        stamps=STAMPS,
        stamp=f"{STAMPS}/{label}",
        apply=shlex.quote(apply),
        patience=PATIENCE_SECONDS,
        healthy=healthy,
        quoted_healthy=shlex.quote(shlex.quote(healthy)),
        seconds=seconds,
        evidence=evidence if units else ":",
        content=shlex.join([wanted, *(file.path for file in inputs)]),
    )
    yield StringCommand(f"sh -c {shlex.quote(script)}")
    forget()


def converged(
    name: str,
    *,
    apply: str,
    healthy: str = "true",
    inputs: Sequence[Managed] = (),
    units: Sequence[str] = (),
    at_boot: Sequence[str] = (),
    packages: Sequence[str] = (),
    seconds: int = 30,
    verb: Literal["restart", "reload"] = "restart",
) -> OperationMeta:
    """Run `apply` (a shell command) whenever `inputs` or `packages` are not what it last ran with.

    healthy: a shell command awaited up to `seconds` after `apply`; when it never succeeds the operation
    fails with the check, its output and the journal of `units`. units: must be active, and at_boot: must
    be enabled, or `apply` runs. verb: what `apply` does to units that run.
    """
    announce(paths=[file.path for file in inputs], units=[*units, *at_boot])
    want(files=inputs, active=units, at_boot=at_boot)
    return _converged(
        label=name,
        apply=apply,
        healthy=healthy,
        inputs=inputs,
        units=units,
        at_boot=at_boot,
        packages=packages,
        seconds=seconds,
        verb=verb,
        position=next(_positions[host.name]),
        name=f"{name}: converged",
    )


def converged_service(
    unit: str,
    *,
    inputs: Sequence[Managed],
    healthy: str,
    packages: Sequence[str] = (),
    reload: bool = False,
    seconds: int = 30,
) -> OperationMeta:
    """Keep one systemd service running on exactly `inputs`.

    reload: the service takes its files live; a changed unit file restarts it all the same.
    """
    quoted = shlex.quote(unit)
    steps = [
        "systemctl daemon-reload",
        f"systemctl enable -q {quoted}",
        f"systemctl reset-failed {quoted} 2>/dev/null || true",  # or a start limit refuses what is mended
        start_command(quoted, _unit_files(inputs), reload=reload),
    ]
    return converged(
        unit.removesuffix(".service"),
        apply="\n".join(steps),
        healthy=f"systemctl is-active -q {quoted} && {healthy}",
        inputs=inputs,
        units=[unit],
        at_boot=[unit],
        packages=packages,
        seconds=seconds,
        verb="reload" if reload else "restart",
    )
