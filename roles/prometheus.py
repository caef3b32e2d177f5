"""Prometheus: reads every program of every exchanger, and judges the alerts (roles/lib/alerts).

Port: 20466 on the peer link. One runs on each exchanger and watches all, so that a host which is silent is
seen by the other. Nothing acts on what it finds but people: docs/adr/0016. It needs the exporters and
programs, and finds out itself when they are missing.
"""

from dataclasses import dataclass

import yaml

from roles.lib import ports
from roles.lib.alerts import groups
from roles.lib.alerts.rule import rule_file
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site

PACKAGES = ("prometheus", "curl")
CONFIGURATION = "/etc/prometheus/prometheus.yml"
RULES = "/etc/prometheus/rules/twinmx.yml"
MEMORY_MEGABYTES = 1_024
LONGEST_SCRAPE, LONGEST_TELLING = 10, 2  # seconds

WRITTEN = "# written from the thresholds of the inventory: roles/lib/alerts\n"


@dataclass(frozen=True)
class Job:
    """Programs of one kind: short host name → what Prometheus reads there.

    own_labels: its figures have labels that Prometheus would otherwise put aside as exported_….
    """

    name: str
    targets: dict[str, list[str]]
    own_labels: bool = False


def jobs(site: Site) -> list[Job]:
    """Everything that is read, but for what the blackbox exporter probes."""
    exchange = site.exchange

    def everywhere(name: str, first: int, number: int = 1, *, own_labels: bool = False) -> Job:
        targets = {
            short: [f"{host.peer}:{port}" for port in range(first, first + number)]
            for short, host in exchange.exchangers.items()
        }
        return Job(name, targets, own_labels)

    followers = [everywhere("aliases", ports.ALIASES_METRICS_BASE + 1)] if exchange.followed else []
    return [
        everywhere("forwarder", ports.METRICS_BASE + 1, exchange.forwarder.workers),
        everywhere("gate", ports.GATE_METRICS_BASE + 1, exchange.gate.workers),
        *followers,
        everywhere("queues", ports.QUEUES_METRICS, own_labels=True),
        everywhere("canary", ports.CANARY_METRICS),
        everywhere("failover", ports.FAILOVER, own_labels=True),
        everywhere("node", ports.NODE_METRICS),
        everywhere("valkey", ports.VALKEY_METRICS),
        everywhere("rspamd", ports.RSPAMD_METRICS),
        everywhere("prometheus", ports.PROMETHEUS),
        everywhere("alertmanager", ports.ALERTMANAGER),
        Job("blackbox", {site.name: [f"127.0.0.1:{ports.BLACKBOX}"]}),
    ]


def render_rules(site: Site) -> ManagedFile:
    """The rules, the same on every host."""
    rules = rule_file(groups(site.exchange), site.exchange.monitors)
    text = yaml.dump(rules, Dumper=yaml.CSafeDumper, sort_keys=False, width=1_000)  # written for each host
    return ManagedFile(RULES, WRITTEN + text)


def render_files(site: Site) -> list[Managed]:
    """Configuration, rules, flags and unit."""
    exchange, monitors = site.exchange, site.exchange.monitors
    configuration = render(
        "prometheus/prometheus.yml.j2",
        period=monitors.scrape_seconds,
        timeout=min(monitors.scrape_seconds, LONGEST_SCRAPE),
        rules=RULES,
        told_within=LONGEST_TELLING,
        alertmanagers=[f"{host.peer}:{ports.ALERTMANAGER}" for host in exchange.exchangers.values()],
        jobs=jobs(site),
        probed={name: host.peer for name, host in exchange.exchangers.items() if host.active},
        blackbox=ports.BLACKBOX,
    )
    flags = render("prometheus/default.j2", address=site.me.peer, port=ports.PROMETHEUS, monitors=monitors)
    return [
        ManagedFile(CONFIGURATION, configuration),
        render_rules(site),
        ManagedFile("/etc/default/prometheus", flags),
        ManagedFile(
            "/etc/systemd/system/prometheus.service.d/twinmx.conf",
            render("lib/packaged.conf.j2", memory=MEMORY_MEGABYTES),
        ),
    ]


@role("prometheus")
def deploy(site: Site) -> None:
    """Run it on rules that its own promtool accepts."""
    packages("prometheus", PACKAGES)
    files = render_files(site)
    checked_files(
        "prometheus", files, check=f"promtool check config {CONFIGURATION}", roots=["/etc/prometheus"]
    )
    converged_service(
        "prometheus.service",
        inputs=files,
        healthy=f"curl --silent --fail --output /dev/null --max-time 2 http://{site.me.peer}:{ports.PROMETHEUS}/-/ready",
        packages=("prometheus",),
        seconds=120,  # it reads its log of the last hours first
    )
