"""The Grafana dashboard: the file is the generated one, is a dashboard by Grafana's own schema, and names
only figures that somebody exports.

grafana-11.6.schema.json is jsonschema/dashboard.jsonschema.json of github.com/grafana/grafana-foundation-sdk,
branch v11.6.x+cog-v0.0.x (Apache 2.0).
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from controller.dashboard import DOCUMENT, render
from roles.lib.alerts import groups
from roles.lib.render import render as rendered
from tests.unit.roles.exchanges import exchange
from twinmx.aliases.database.metrics import SourceMetrics
from twinmx.canary.metrics import CanaryMetrics
from twinmx.drift.metrics import DriftMetrics
from twinmx.failover.metrics import FailoverMetrics
from twinmx.forwarder.metrics import ForwarderMetrics
from twinmx.gate.metrics import GateMetrics
from twinmx.limits.metrics import LimitMetrics
from twinmx.queues.metrics import DeliveryMetrics, QueueMetrics
from twinmx.spam.metrics import SpamMetrics
from twinmx.vitals.resolver import ResolverProbe
from twinmx.vitals.rspamd import RspamdFigures

SCHEMA = Path(__file__).parent / "grafana-11.6.schema.json"
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}

PACKAGED: Mapping[str, set[str]] = {
    "up": set(),
    "ALERTS": {"alertname", "alertstate", "severity"},
    "node_cpu_seconds_total": {"cpu", "mode"},
    "node_memory_MemAvailable_bytes": set(),
    "node_memory_MemTotal_bytes": set(),
    "node_filesystem_avail_bytes": {"device", "fstype", "mountpoint"},
    "node_filesystem_size_bytes": {"device", "fstype", "mountpoint"},
    "probe_ssl_earliest_cert_expiry": set(),
}
"""Of Prometheus, node exporter and blackbox exporter; tests/hosts/test_dashboard.py asks them."""

OF_THE_TARGET = {"host", "job", "instance"}


def exported(folder: Path) -> dict[str, set[str]]:
    """Names of the series that our programs export, with their labels."""
    registry, outside = CollectorRegistry(), RspamdFigures(folder / "socket")
    GateMetrics(registry)
    LimitMetrics(registry)
    SpamMetrics(registry)
    QueueMetrics(registry)
    DeliveryMetrics(registry, (), lambda: 0.0)
    CanaryMetrics(registry, ())
    DriftMetrics(registry)
    FailoverMetrics(registry)
    ResolverProbe("example.com", 1, registry)
    series: dict[str, set[str]] = {family.name: set() for family in outside.collect()}
    for one in (registry, ForwarderMetrics().registry, SourceMetrics(folder).registry):
        for collector in set(one._collector_to_names):
            assert isinstance(collector, MetricWrapperBase)
            (family,) = collector.describe()
            labels = set(collector._labelnames)
            for suffix in SUFFIXES[family.type]:
                series[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    script = rendered("base/upgrade-turn.j2", minutes=1, mark="mark", figures="figures")
    return series | {name: set() for name in re.findall(r"^# TYPE (\w+) gauge$", script, re.MULTILINE)}


def queries(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Title, expression and legend of every query."""
    for panel in document["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]
    for annotation in document["annotations"]["list"]:
        yield annotation["name"], annotation["expr"], ""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return read


def test_the_file_is_the_generated_one() -> None:
    assert DOCUMENT.read_text() == render(), "run: python -m controller.dashboard"


def test_grafana_would_take_it(document: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(document)


def test_the_schema_refuses_what_is_no_dashboard(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError, match="titel"):
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate({**document, "titel": "twinmx"})


def test_each_figure_is_exported_and_has_the_labels_that_are_asked_for(
    document: dict[str, Any], tmp_path: Path
) -> None:
    known = {**exported(tmp_path), **PACKAGED}

    for title, expression, legend in queries(document):
        asked = re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expression)
        assert asked, title
        grouped = {
            label.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for label in found.split(",")
        }
        shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
        for metric, matchers in asked:
            assert metric in known, f"{title}: nobody exports {metric}"
            labels = known[metric] | OF_THE_TARGET
            matched = set(re.findall(r"(\w+)(?:=|!)", re.sub(r'"[^"]*"', "", matchers)))
            assert matched | grouped <= labels, f"{title}: {metric} has only {labels}"
        assert shown <= grouped, f"{title}: the legend names what the query does not keep"


def test_no_figure_goes_unseen_that_an_alert_goes_by(document: dict[str, Any]) -> None:
    shown = " ".join(expression for _, expression, _ in queries(document))
    alerts = [alert for group in groups(exchange()) for alert in group.alerts]
    named = {name for alert in alerts for name in re.findall(r"\btwinmx_\w+", alert.expression)}

    beside = {"twinmx_queue_read_age_seconds", "twinmx_queue_free_inodes", "twinmx_drift_checked_seconds"}
    assert {name for name in named if name not in shown} <= beside


def test_every_panel_has_an_id_of_its_own_and_says_what_it_shows(document: dict[str, Any]) -> None:
    panels = [panel for panel in document["panels"] if panel["type"] != "row"]

    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    assert [panel["title"] for panel in panels if not panel["description"].endswith(".")] == []
    for panel in panels:
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == list("ABCDEF"[: len(letters)])


def test_no_two_panels_are_in_one_place(document: dict[str, Any]) -> None:
    cells = [
        (x, y)
        for panel in document["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
