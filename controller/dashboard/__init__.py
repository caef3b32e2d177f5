"""The Grafana dashboard as code: `python -m controller.dashboard` writes docs/dashboards/twinmx.json.

Made with Grafana's own SDK, which knows the format. No host runs Grafana: whoever has one imports the file,
and points it at the Prometheus of either exchanger.
"""

import json
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery, Dashboard, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from controller.dashboard import hosts, mail, overview, programs
from controller.dashboard.panels import SOURCE, Section, variables

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "dashboards" / "twinmx.json"


def sections() -> list[Section]:
    """Everything, the most urgent first."""
    return [
        overview.overview(),
        mail.queues(),
        mail.delays(),
        mail.deliveries(),
        programs.gates(),
        programs.engines(),
        programs.forwarder(),
        programs.limits(),
        programs.snapshot(),
        hosts.hosts(),
        overview.failover(),
    ]


def render() -> str:
    """The dashboard as Grafana imports it."""
    acts = (
        AnnotationQuery()
        .name("Failover acts")
        .datasource(SOURCE)
        .enable(True)
        .icon_color("orange")
        .expr(overview.ACTS)
    )
    built = (
        Dashboard("twinmx")
        .uid("twinmx")
        .description(
            "Written by python -m controller.dashboard: change controller/dashboard, never this file."
        )
        .tags(["twinmx", "mail"])
        .timezone("browser")
        .time("now-3h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .variables(variables())
        .annotation(acts)
    )
    for section in sections():
        built.with_row(Row(section.title))
        for panel in section.panels:
            built.with_panel(panel)
    dashboard = built.build()
    for number, placed in enumerate(dashboard.panels or (), 1):
        placed.id_val = number
    return json.dumps(dashboard, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"
