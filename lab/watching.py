"""What Prometheus and Alertmanager of the hosts say, and what the outside host was told."""

import json
import urllib.parse
import urllib.request
from typing import Any

from inventory.schema import Exchanger
from lab.outside.pager import PLACE
from lab.settings import ALERTS_PORT, OUTSIDE

PROMETHEUS, ALERTMANAGER = 20466, 20467
PAGER = f"http://{OUTSIDE.address}:{ALERTS_PORT}{PLACE}"
PATIENCE_SECONDS = 120
"""Until a figure that changed has been read and judged for its periods, with some load on the host."""


def fetched(url: str, method: str = "GET") -> str:
    """The body of an answer; raises urllib.error.URLError."""
    asked = urllib.request.Request(url, method=method)  # noqa: S310 - our own hosts, by http
    with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
        return str(answer.read().decode())


def query(exchanger: Exchanger, expression: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each series that an expression gives on the Prometheus of a host."""
    asked = urllib.parse.urlencode({"query": expression})
    found = json.loads(fetched(f"http://{exchanger.peer}:{PROMETHEUS}/api/v1/query?{asked}"))
    return [(one["metric"], float(one["value"][1])) for one in found["data"]["result"]]


def told() -> list[tuple[float, dict[str, Any]]]:
    """Every alert in every notification that the outside host has taken, with its time (seconds)."""
    kept = [json.loads(line) for line in fetched(PAGER).splitlines()]
    return [(one["at"], alert) for one in kept for alert in one["told"]["alerts"]]


def repeated(**group: str) -> list[str]:
    """The notifications of the group with these labels that said just what the one before them had said.

    A group is told anew when another alert joins it: that repeats nothing.
    """
    said: set[tuple[str, str]] = set()
    found = []
    for kept in map(json.loads, fetched(PAGER).splitlines()):
        told = kept["told"]
        if told["groupLabels"] != group:
            continue
        says = {(json.dumps(alert["labels"]), alert["status"]) for alert in told["alerts"]}
        if says == said:
            found.append(f"{kept['from']} at {kept['at']:.1f}: {sorted(says)}")
        said = says
    return found


def told_of(status: str, **labels: str) -> list[float]:
    """When the outside host was told that an alert with these labels is `status`: firing or resolved."""
    return [
        at
        for at, alert in told()
        if alert["status"] == status and labels.items() <= dict(alert["labels"]).items()
    ]
