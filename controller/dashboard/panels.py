"""The kinds of panels that the dashboard is made of.

Each expression is of the chosen hosts (`$host`) and is read from the chosen Prometheus (`$source`): each
exchanger has one, and each of them watches all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import common, dashboard, prometheus, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import (
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    Panel,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
    VariableModel,
    VariableOption,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

HEIGHT, WIDTH = 8, 24
"""Of a panel, and of the whole dashboard, in Grafana's units."""

SOURCE = DataSourceRef("prometheus", "${source}")


@dataclass(frozen=True)
class Section:
    """A row of the dashboard, with its panels."""

    title: str
    panels: Sequence[Builder[Panel]]


@dataclass(frozen=True)
class Shown:
    """A figure under its name; {{label}} stands for a label's value."""

    name: str
    expression: str


def curves(
    title: str,
    says: str,
    unit: str,
    *shown: Shown,
    width: int = 8,
    stacked: bool = False,
    bars: bool = False,
) -> Builder[Panel]:
    """Curves over time. unit: one of Grafana's, such as `s` and `short`."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .height(HEIGHT)
        .span(width)
        .fill_opacity(30 if stacked or bars else 0)
        .show_points(VisibilityMode.NEVER)
        .draw_style(GraphDrawStyle.BARS if bars else GraphDrawStyle.LINE)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for letter, one in zip(ascii_uppercase, shown, strict=False):
        panel.with_target(_query(one, letter).range())
    return panel


def states(
    title: str, says: str, values: Mapping[int, tuple[str, str]], *shown: Shown, width: int = 8
) -> Builder[Panel]:
    """Figures that stand for something; values: what, and its colour."""
    texts = {str(value): ValueMappingResult(text, colour) for value, (text, colour) in values.items()}
    mapping: ValueMapping = ValueMap(texts)
    panel = (
        statetimeline.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .mappings([mapping])
        .height(HEIGHT)
        .span(width)
        .show_value(VisibilityMode.AUTO)
        .merge_values(True)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
    )
    for letter, one in zip(ascii_uppercase, shown, strict=False):
        panel.with_target(_query(one, letter).range())
    return panel


def rows(title: str, says: str, shown: Shown, hidden: Sequence[str], width: int = 8) -> Builder[Panel]:
    """A table of the series that there are now, a label a column but for the `hidden` ones."""
    without = {"excludeByName": dict.fromkeys(hidden, True), "indexByName": {}, "renameByName": {}}
    return (
        table.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .height(HEIGHT)
        .span(width)
        .with_target(_query(shown, "A").instant().format(PromQueryFormat.TABLE))
        .with_transformation(DataTransformerConfig(id_val="organize", options=without))
    )


def _query(shown: Shown, letter: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(shown.expression).legend_format(shown.name)
    return query.datasource(SOURCE).ref_id(letter)


def variables() -> list[Builder[VariableModel]]:
    """What can be chosen at the top: whose Prometheus, and which hosts."""
    source = dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus")
    host = (
        dashboard.QueryVariable("host")
        .label("Host")
        .datasource(SOURCE)
        .query("label_values(up, host)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )
    return [source, host]
