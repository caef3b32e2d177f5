"""Write the list of drills in docs/drills.md from the drills themselves: `python -m drills.lib.document`."""

from drills import all_drills
from drills.lib.model import Drill
from lab.settings import ROOT

DOCUMENT = ROOT / "docs" / "drills.md"
BEGIN, END = "<!-- drills -->\n", "<!-- end of drills -->\n"
COLUMNS = ("drill", "what happens", "p99", "longest", "alert", "act", "besides")


def render(text: str) -> str:
    """`text` with the list as it is now between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_row, all_drills().values())]
    lines = "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows)
    return f"{before}{BEGIN}\n{lines}\n{END}{after}"


def _row(drill: Drill) -> tuple[str, ...]:
    holds = drill.holds
    p99 = [] if holds.p99 is None else [f"{holds.p99:g} s"]
    p99 += [] if holds.of_baseline is None else [f"{holds.of_baseline:g} x before"]
    longest = "" if holds.longest is None else f"{holds.longest:g} s"
    alert = f"{' or '.join(holds.alerts)}, {holds.alert_seconds:g} s" if holds.alerts else ""
    act = f"{holds.act}, {holds.act_seconds:g} s" if holds.act else ""
    marks = [name for name in ("harmless", "core") if getattr(drill, name)]
    name = f"`{drill.name}`" + (f" ({', '.join(marks)})" if marks else "")
    return name, drill.says, ", ".join(p99), longest, alert, act, "; ".join(_besides(drill))


def _besides(drill: Drill) -> list[str]:
    holds, found = drill.holds, []
    if holds.takes_over is not None:
        found.append(f"the last exchanger has the traffic within {holds.takes_over:g} s")
    found += [f"{name} is refused" for name in holds.refused]
    if drill.then:
        found.append(f"then: {drill.then.worse:g} x as long, or longer")
    return found


if __name__ == "__main__":
    DOCUMENT.write_text(render(DOCUMENT.read_text()))
