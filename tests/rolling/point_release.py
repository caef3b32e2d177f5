"""A point release of Debian for the lab hosts, and whether a host has it and runs on it."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from lab import ssh
from lab.errors import LabError
from lab.settings import LabHost

SOURCES = ("postfix", "rspamd", "spamassassin", "valkey", "nginx", "unbound", "openssl", "glibc")
"""Source packages: all of the mail path, and two libraries on which every service runs."""

PREPARE_SECONDS = 600
SERVICES = (
    *("postfix.service", "postfix@out.service", "rspamd.service", "rspamd-signing.service", "spamd.service"),
    *("valkey-server.service", "nginx.service", "unbound.service", "gate@*.service", "forwarder@*.service"),
    *("canary.service", "failover.service", "queues.service"),
)
PROCESSES = (
    "systemctl list-units --plain --no-legend --state=active "
    f"{shlex.join(SERVICES)} | while read -r unit rest; do "
    'echo "$unit $(systemctl show -P ActiveEnterTimestampMonotonic "$unit")"; done'
)
REPLACED = r"""for maps in $(grep -lsE ' /(usr|lib)/.* \(deleted\)$' /proc/[0-9]*/maps); do
  grep -hoE '[^/]+\.service$' "${maps%maps}cgroup"
done | sort -u | grep -vE '^(dbus|systemd-|user@|ssh\.service)' || true"""
"""Services that run on a file which is no longer there, but for those that only a reboot renews, and sshd: a
session outlives it."""


def prepare(host: LabHost) -> dict[str, str]:
    """Have apt on the host offer newer versions of SOURCES; package → new version."""
    program = (Path(__file__).parent / "newer.py").read_text()
    command = f"python3 -c {shlex.quote(program)} {shlex.join(SOURCES)}"
    offered: dict[str, str] = json.loads(ssh.on(host, command, seconds=PREPARE_SECONDS))
    return offered


def started(host: LabHost) -> dict[str, int]:
    """The services of the mail path that run → when each was started, in µs since the boot."""
    return {unit: int(at) for unit, at in map(str.split, ssh.on(host, PROCESSES).splitlines())}


def has_it(host: LabHost, offered: Mapping[str, str], before: Mapping[str, int]) -> None:
    """LabError unless the host has all that was offered, and every service was started with it.

    before: `started` before the upgrade.
    """
    listed = ssh.on(host, f"dpkg-query -W -f '${{Package}} ${{Version}}\\n' {shlex.join(offered)}")
    versions = dict(line.split() for line in listed.splitlines())
    if old := [f"{name} {versions.get(name)}" for name in offered if versions.get(name) != offered[name]]:
        raise LabError(f"{host.alias} still has {', '.join(old)}")
    now = started(host)
    if same := [unit for unit, at in before.items() if now.get(unit, 0) <= at]:
        raise LabError(f"{host.alias}: not started anew: {', '.join(same)}")
    if replaced := ssh.on(host, REPLACED).split():
        raise LabError(f"{host.alias}: on files that were replaced: {', '.join(replaced)}")
