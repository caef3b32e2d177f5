"""What each program on a lab host has used of the processor and of memory so far.

CPU comes from /proc of the host: own time of every process below a unit's main process, and the time of the
children that it has waited for (Postfix's processes come and go), so a difference of two readings is exact
but for processes that end unwaited for.
"""

import json
import shlex
from dataclasses import dataclass

from lab import ssh
from lab.settings import LabHost

# Runs on the host. Fields of /proc/PID/stat behind the name: 1 ppid, 11-14 utime, stime, cutime, cstime.
_READ = r"""
import glob, json, os, re, subprocess
stats = {}
for path in glob.glob('/proc/[0-9]*/stat'):
    try:
        text = open(path).read()
    except OSError:
        continue
    fields = text.rpartition(')')[2].split()
    stats[int(text.split()[0])] = (int(fields[1]), [int(field) for field in fields[11:15]])
def below(root):
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += [child for child, (parent, _) in stats.items() if parent == pid]
    return found
def memory(pid):
    try:
        rollup = open(f'/proc/{pid}/smaps_rollup').read()
    except OSError:
        return 0, 0
    return tuple(int(re.search(rf'^{name}: +(\d+)', rollup, re.M)[1]) for name in ('Rss', 'Pss'))
units = subprocess.run(
    ['systemctl', 'show', '-p', 'Id,MainPID', 'postfix.service', 'postfix@out.service', 'rspamd.service',
     'spamd.service', 'valkey-server.service', 'gate@*.service', 'forwarder@*.service'],
    capture_output=True, text=True, check=True).stdout
mains = {}
for block in units.strip().split('\n\n'):
    shown = dict(line.split('=', 1) for line in block.splitlines())
    mains[shown['Id'].removesuffix('.service')] = int(shown['MainPID'])
for name, directory in (('postfix', '/var/spool/postfix'), ('postfix@out', '/var/spool/postfix-out')):
    mains[name] = int(open(f'{directory}/pid/master.pid').read())
tick, usage = os.sysconf('SC_CLK_TCK'), {}
for name, main in mains.items():
    if main in stats:
        pids = below(main)
        ticks = sum(sum(stats[pid][1]) for pid in pids)
        rss, pss = memory(main)
        usage[name] = {'cpu_seconds': ticks / tick, 'rss_kb': rss, 'pss_kb': pss}
print(json.dumps(usage))
"""


@dataclass(frozen=True)
class Usage:
    """Of one unit: processor seconds since it started, memory of its main process in kB."""

    cpu_seconds: float
    rss_kb: int
    pss_kb: int


def usage_of(host: LabHost) -> dict[str, Usage]:
    """The usage of each unit of the mail path that runs on `host`, by its name."""
    read: dict[str, dict[str, float]] = json.loads(ssh.on(host, f"python3 -c {shlex.quote(_READ)}"))
    return {
        name: Usage(numbers["cpu_seconds"], int(numbers["rss_kb"]), int(numbers["pss_kb"]))
        for name, numbers in read.items()
    }


def program_of(unit: str) -> str:
    """Workers of one program count together: `forwarder@3` is `forwarder`; postfix@out stays itself."""
    return unit if unit.startswith("postfix") else unit.partition("@")[0]


def spent(before: dict[str, Usage], after: dict[str, Usage]) -> dict[str, float]:
    """Processor seconds of each program between two readings."""
    seconds: dict[str, float] = {}
    for unit, usage in after.items():
        earlier = before[unit].cpu_seconds if unit in before else 0.0
        program = program_of(unit)
        seconds[program] = seconds.get(program, 0.0) + usage.cpu_seconds - earlier
    return seconds
