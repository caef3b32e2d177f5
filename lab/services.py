"""What runs on an exchanger, as its systemd says."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lab import ssh
from lab.settings import LabHost

UNITS = (
    "postfix.service",
    "postfix@out.service",
    "rspamd.service",
    "rspamd-signing.service",
    "spamd.service",
    "valkey-server.service",
    "nftables.service",
    "unbound.service",
    "dane.service",
    "postfix-mta-sts-resolver.service",
    "nginx.service",
    "queues.service",
    "canary.service",
    "failover.service",
    "vitals.service",
    "prometheus.service",
    "prometheus-alertmanager.service",
    "prometheus-node-exporter.service",
    "prometheus-blackbox-exporter.service",
    "prometheus-redis-exporter.service",
)
WORKERS = ("gate@*.service", "forwarder@*.service")
PROPERTIES = "Id,LoadState,ActiveState,UnitFileState"


@dataclass(frozen=True)
class Service:
    """A unit's name, and its `ActiveState` and `UnitFileState` (systemd.unit(5))."""

    name: str
    active: str
    enabled: str

    @property
    def is_active(self) -> bool:
        """Whether it does its work now."""
        return self.active == "active"

    @property
    def colour(self) -> str:
        """How a terminal shows it."""
        return "green" if self.is_active else "red"


ABSENT = Service("", "absent", "-")


def parse(shown: str) -> tuple[Service, ...]:
    """Services from the output of `systemctl show`; a unit that is not there is active "not-found"."""
    services = []
    for block in shown.strip().split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if not fields:
            continue
        there = fields["LoadState"] == "loaded"
        active = fields["ActiveState"] if there else fields["LoadState"]
        name = fields["Id"].removesuffix(".service")
        services.append(Service(name, active, fields["UnitFileState"] or "-"))
    return tuple(services)


def in_order(names: Collection[str]) -> list[str]:
    """Unit names as a table shows them: the fixed ones, then the workers, each kind by number."""
    fixed = [unit.removesuffix(".service") for unit in UNITS]
    workers = [name.partition("@") for name in names if name not in fixed]
    by_number = sorted((kind, int(number or 0)) for kind, _, number in workers)
    return [name for name in fixed if name in names] + [f"{kind}@{number}" for kind, number in by_number]


def missing_workers(names: Collection[str]) -> list[str]:
    """The programs of which no worker is among `names`; systemd forgets workers that are stopped."""
    programs = [pattern.partition("@")[0] for pattern in WORKERS]
    return [program for program in programs if not any(name.startswith(f"{program}@") for name in names)]


def services_of(host: LabHost) -> tuple[Service, ...]:
    """The mail services of `host`, and every worker of ours; raises LabError without SSH."""
    units = " ".join(f"'{unit}'" for unit in (*UNITS, *WORKERS))
    shown = ssh.on(host, f"systemctl show --property {PROPERTIES} -- {units}")
    return parse(shown)


def log_lines(host: LabHost, since: float, units: Sequence[str], lines: int = 25) -> str:
    """The last `lines` of the journal of `units` (patterns) since a time in seconds since 1970."""
    chosen = " ".join(f"-u '{unit}'" for unit in units)
    command = f"journalctl --no-pager -q -o short-iso --since @{int(since)} -n {lines} {chosen}"
    return ssh.on(host, command).strip()
