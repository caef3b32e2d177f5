"""Alertmanager: tells people of alerts, once, by ways that need none of the mail they are about.

Ports: 20467 on the peer link (from every Prometheus), 20468 TCP and UDP on the peer link (the others: what
has been sent). Each Prometheus tells all of them, and who has not heard of another's notification sends. The
receivers and routes are the inventory's; without any, alerts are only shown.
"""

from typing import Any

import yaml
from pyinfra import logger

from inventory.monitors import Monitors
from inventory.receivers import Receiver, Times, Weekday
from roles.lib import ports
from roles.lib.alerts.rule import ALWAYS
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site

PACKAGES = ("prometheus-alertmanager", "tzdata", "curl")
CONFIGURATION = "/etc/prometheus/alertmanager.yml"
SECRETS = "/etc/prometheus/receivers"
SERVICE = "prometheus-alertmanager.service"
NOBODY = "nobody"
WRITTEN = "# written from monitors.receivers, routes and times of the inventory; secrets are in files\n"
LONGEST_TURN = 15.0
"""Seconds: Alertmanager's own --cluster.peer-timeout."""
WEEK: tuple[Weekday, ...] = (*("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),)


def secret_file(name: str) -> str:
    """Where Alertmanager finds what it reaches the receiver `name` with."""
    return f"{SECRETS}/{name}"


def _receiver(name: str, receiver: Receiver) -> dict[str, Any]:
    file = secret_file(name)
    match receiver.kind:
        case "webhook":
            return {"name": name, "webhook_configs": [{"url_file": file}]}
        case "pagerduty":
            return {"name": name, "pagerduty_configs": [{"routing_key_file": file}]}
        case "opsgenie":
            return {"name": name, "opsgenie_configs": [{"api_key_file": file}]}
        case "smtp":
            login = {"auth_username": receiver.user, "auth_password_file": file} if receiver.user else {}
            mail = {
                "to": receiver.to,
                "from": receiver.sender,
                "smarthost": f"{receiver.relay}:{receiver.port}",
                **login,
            }
            return {"name": name, "email_configs": [mail]}


def intervals(times: Times) -> list[dict[str, Any]]:
    """What Alertmanager calls the hours: none of its intervals goes past midnight."""
    if times.begin < times.end:
        spans = [(times.begin, times.end, list(times.weekdays))]
    else:
        after = [WEEK[(WEEK.index(day) + 1) % len(WEEK)] for day in times.weekdays]
        spans = [(times.begin, "24:00", list(times.weekdays)), ("00:00", times.end, after)]
    return [
        {
            "weekdays": [*days],
            "times": [{"start_time": begin, "end_time": end}],
            "location": times.location,
        }
        for begin, end, days in spans
        if begin != end
    ]


def _routes(monitors: Monitors) -> list[dict[str, Any]]:
    heartbeat = {
        "receiver": monitors.heartbeat or NOBODY,
        "matchers": [f'severity="{ALWAYS}"'],
        "group_wait": "0s",
        "group_interval": f"{monitors.heartbeat_seconds}s",
        "repeat_interval": f"{monitors.heartbeat_seconds}s",
    }
    routes = [
        {
            "receiver": receiver,
            "matchers": [f'severity=~"{"|".join(route.severities)}"'],
            "continue": True,  # every route that fits is taken
            **({"active_time_intervals": list(route.times)} if route.times else {}),
        }
        for route in monitors.routes.values()
        for receiver in route.receivers
    ]
    return [heartbeat, *routes]


def configuration(monitors: Monitors) -> dict[str, Any]:
    """alertmanager.yml (https://prometheus.io/docs/alerting/latest/configuration/)."""
    return {
        "route": {
            "receiver": NOBODY,
            "group_by": ["alertname", "host"],
            "group_wait": f"{monitors.group_seconds}s",
            "group_interval": f"{monitors.regroup_seconds}s",
            "repeat_interval": f"{monitors.repeat_hours}h",
            "routes": _routes(monitors),
        },
        "inhibit_rules": [
            # of a host that is silent everything else is missing as well
            {
                "source_matchers": ['alertname="HostSilent"'],
                "target_matchers": ['alertname!="HostSilent"'],
                "equal": ["host"],
            }
        ],
        "receivers": [
            {"name": NOBODY},
            *(_receiver(name, receiver) for name, receiver in monitors.receivers.items()),
        ],
        "time_intervals": [
            {"name": name, "time_intervals": intervals(times)} for name, times in monitors.times.items()
        ],
    }


def secret_files(site: Site) -> list[Managed]:
    """What receivers are reached with, one file each."""
    return [
        ManagedFile(
            secret_file(name),
            site.secrets.receivers[name].secret.get_secret_value(),
            mode="0400",
            user="prometheus",
            group="prometheus",
            secret=True,
        )
        for name, receiver in site.exchange.monitors.receivers.items()
        if receiver.needs_secret
    ]


def turn_seconds(monitors: Monitors, members: int) -> float:
    """How long each of the cluster waits for the one before it to tell (--cluster.peer-timeout, seconds).

    While it waits it keeps the alerts as they were. Were the last one's turn after the next round of the
    first, it would tell what is over once more, as firing. So all turns are in the first half of a round
    (regroup_seconds); the other half is for rounds that did not begin at once. See
    https://prometheus.io/docs/alerting/latest/high_availability/ and Alertmanager's issue 4008.
    """
    return min(LONGEST_TURN, monitors.regroup_seconds / (2 * max(members - 1, 1)))


def render_files(site: Site) -> list[Managed]:
    """Configuration, secrets, flags and unit."""
    monitors = site.exchange.monitors
    flags = render(
        "alertmanager/default.j2",
        address=site.me.peer,
        port=ports.ALERTMANAGER,
        cluster_port=ports.ALERTMANAGER_CLUSTER,
        peers=[peer.peer for peer in site.peers],
        turn=f"{turn_seconds(monitors, 1 + len(site.peers)):g}",
    )
    content = yaml.safe_dump(configuration(monitors), sort_keys=False, width=1_000)
    return [
        ManagedFile(CONFIGURATION, WRITTEN + content),
        *secret_files(site),
        ManagedFile("/etc/default/prometheus-alertmanager", flags),
        ManagedFile(
            f"/etc/systemd/system/{SERVICE}.d/twinmx.conf", render("lib/packaged.conf.j2", memory=256)
        ),
    ]


def unheard(monitors: Monitors) -> list[str]:
    """The severities of which nobody hears at some hour."""
    always = {
        severity for route in monitors.routes.values() if not route.times for severity in route.severities
    }
    return [severity for severity in ("page", "ticket") if severity not in always]


@role("alertmanager")
def deploy(site: Site) -> None:
    """Run it as one of a pair; say so where nobody would hear of an alert."""
    for severity in unheard(site.exchange.monitors):
        logger.warning("%s: at some hours monitors.routes tells nobody of a %s", site.name, severity)
    packages("alertmanager", PACKAGES)
    files = render_files(site)
    checked_files(
        "alertmanager", files, check=f"amtool check-config {CONFIGURATION}", roots=["/etc/prometheus"]
    )
    converged_service(
        SERVICE,
        inputs=files,
        healthy=f"curl --silent --fail --output /dev/null --max-time 2 http://{site.me.peer}:{ports.ALERTMANAGER}/-/ready",
        packages=("prometheus-alertmanager",),
        seconds=60,
    )
