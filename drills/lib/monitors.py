"""What the hosts' own monitors kept of a drill: queues by state and what the engines answered."""

import json
import urllib.error
import urllib.parse
from typing import Any

from drills.lib.record import Series
from lab.settings import LAB, LabHost
from lab.watching import fetched
from roles.lib import ports

STEP_SECONDS = 3
QUEUES = 'sum by (host, instance, queue) (twinmx_queue_messages{queue!~"maildrop|hold"})'
ENGINES = "sum by (host, engine, outcome) (rate(twinmx_spam_scans_total[15s]))"
INSTANCES = {"in": "inbound", "out": "outbound"}


def _range(host: LabHost, expression: str, first: float, last: float) -> list[dict[str, Any]]:
    asked = urllib.parse.urlencode(
        {"query": expression, "start": f"{first:.3f}", "end": f"{last:.3f}", "step": STEP_SECONDS}
    )
    told = fetched(f"http://{host.address}:{ports.PROMETHEUS}/api/v1/query_range?{asked}")
    found: list[dict[str, Any]] = json.loads(told)["data"]["result"]
    return found


def _series(expression: str, begun: float, first: float, last: float) -> list[tuple[dict[str, str], Series]]:
    """Labels and points by the Prometheus of the last exchanger, or of another where it does not answer."""
    for host in reversed(LAB.hosts):
        try:
            found = _range(host, expression, first, last)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            continue
        return [(one["metric"], _points(one["values"], begun)) for one in found]
    return []


def _points(values: list[tuple[float, str]], begun: float) -> Series:
    return [(round(at - begun, 1), round(float(value), 3)) for at, value in values]


def queues(begun: float, first: float, last: float) -> dict[str, Series]:
    """Messages by exchanger, instance and state; those that were always empty are left out."""
    found = _series(QUEUES, begun, first, last)
    return {
        f"{labels['host']} {INSTANCES[labels['instance']]} {labels['queue']}": points
        for labels, points in found
        if any(value for _, value in points)
    }


def engines(begun: float, first: float, last: float) -> dict[str, Series]:
    """Answers of the spam engines a second, by exchanger, engine and outcome."""
    found = _series(ENGINES, begun, first, last)
    return {
        f"{labels['host']} {labels['engine']} {labels['outcome']}": points
        for labels, points in found
        if any(value for _, value in points)
    }
