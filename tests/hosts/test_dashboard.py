"""The Grafana dashboard on the Prometheus of each host: every query is understood, every figure is there."""

import json
import re
import urllib.error
import urllib.parse

import pytest

from controller.dashboard import DOCUMENT
from inventory.schema import Exchanger
from lab.waiting import until
from lab.watching import PATIENCE_SECONDS, PROMETHEUS, fetched, query

pytestmark = pytest.mark.role("prometheus")

NOT_ALWAYS_THERE = {
    "ALERTS",  # there is one where something fires
    "twinmx_aliases_source_age_seconds",  # where the aliases are in a database
    "twinmx_gate_limited_total",  # once somebody is flooded
    "twinmx_limits_failures_total",  # once Valkey has failed
    "twinmx_spam_hedges_total",  # once an engine was past its budget
    "twinmx_spam_hedges_won_total",
    "twinmx_spam_unscanned_total",  # once something is not scanned
}


def expressions() -> list[str]:
    document = json.loads(DOCUMENT.read_text())
    asked = [target["expr"] for panel in document["panels"] for target in panel.get("targets", ())]
    asked += [annotation["expr"] for annotation in document["annotations"]["list"]]
    return [one.replace("$host", ".*").replace("$__rate_interval", "1m") for one in asked]


def test_prometheus_understands_every_query(exchanger: Exchanger) -> None:
    refused = {}
    for expression in expressions():
        asked = urllib.parse.urlencode({"query": expression})
        try:
            fetched(f"http://{exchanger.peer}:{PROMETHEUS}/api/v1/query?{asked}")
        except urllib.error.HTTPError as error:
            refused[expression] = error.read().decode()

    assert refused == {}


def test_every_figure_is_there(exchanger: Exchanger) -> None:
    named = {name for one in expressions() for name in re.findall(r"([a-zA-Z_:][\w:]*)\{", one)}
    wanted = named - NOT_ALWAYS_THERE

    def missing() -> set[str]:
        return {name for name in wanted if not query(exchanger, f"count({name})")}

    until(lambda: not missing(), PATIENCE_SECONDS, "every figure of the dashboard")
