"""A report on one screen: a column for each exchanger, what is wrong above, MX and the last acts below.

Fits 100 columns. Text comes from hosts that may be sick, so none of it is markup or steers the terminal.
"""

import math
from collections.abc import Callable, Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinmx.mxctl import duration
from twinmx.mxctl.output import moment, printable
from twinmx.mxctl.report import Engine, HostReport, Queue, Report, Way

WIDTH = 100
GOOD, WARN, BAD = "green", "yellow", "bold red"
_DECIMALS_BELOW = 10
Cell = Text
Row = Callable[[HostReport], Cell]


def show(report: Report, console: Console) -> None:
    """Print `report`."""
    console.print(_verdict(report))
    console.print(_table(report), width=min(console.width, WIDTH))
    for line in (*_mx(report), *_acts(report)):
        console.print(line, soft_wrap=True)


def _verdict(report: Report) -> Text:
    if report.well:
        return _text("all well", GOOD)
    heading = _text(f"{len(report.wrong)} not well:", BAD)
    return Text("\n").join([heading, *(_text(f"  {fault}", BAD) for fault in report.wrong)])


def _table(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for name in report.hosts:
        heading = f"{name} (here)" if name == report.host else name
        table.add_column(_text(heading), ratio=1, overflow="fold")
    for label, row in _rows(report):
        table.add_row(_text(label), *(row(host) for host in report.hosts.values()))
    return table


def _rows(report: Report) -> Iterator[tuple[str, Row]]:
    now = report.at
    yield "agent", lambda host: _agent(host, now)
    if any(host.agent and host.agent.hold for host in report.hosts.values()):
        yield "held", _held
    yield "forwarders", lambda host: _workers(host.forwarders.up, host.forwarders.of)
    yield "gates", lambda host: _workers(host.gates.up, host.gates.of)
    for name, label in (("in", "inbound"), ("out", "outbound")):
        yield label, lambda host, name=name: _queue(host.queues.get(name) if host.queues else None)  # type: ignore[misc]
    for via in report.hosts:
        yield f"canary by {via}", lambda host, via=via: _canary(host, via)  # type: ignore[misc]
    for name in sorted({engine.name for host in report.hosts.values() for engine in host.engines}):
        yield name, lambda host, name=name: _engine(host, name)  # type: ignore[misc]
    yield "limits", _limits
    yield "aliases", _snapshot


def _agent(host: HostReport, now: float) -> Cell:
    agent = host.agent
    if agent is None:
        return _silent()
    told = [f"{agent.state} for {duration.show(max(0.0, now - agent.since))}"]
    told += [agent.cause] if agent.cause else []
    told += ["out of service by the inventory"] if not agent.active else []
    told += ["manual"] if agent.mode == "manual" else []
    return _text(", ".join(told), GOOD if agent.state == "active" and agent.well else WARN)


def _held(host: HostReport) -> Cell:
    hold = host.agent.hold if host.agent else None
    if hold is None:
        return _text("no")
    until = "released" if hold.until is None else moment(hold.until)
    return _text(f"by {hold.by} until {until}" + (f": {hold.reason}" if hold.reason else ""), WARN)


def _workers(up: int, of: int) -> Cell:
    return _silent() if not up else _text(f"{up} of {of}", GOOD if up == of else BAD)


def _queue(queue: Queue | None) -> Cell:
    if queue is None:
        return _silent()
    told = f"{queue.waiting} waiting, {queue.deferred} of them deferred"
    told += f", oldest {duration.show(queue.oldest_seconds)}" if queue.waiting else ""
    told += f"; {queue.hold} on hold" if queue.hold else ""
    return _text(told)


def _canary(host: HostReport, via: str) -> Cell:
    way = host.canary.get(via) if host.canary is not None else None
    if host.canary is None:
        return _silent()
    if way is None or not way.known:
        return _text("none yet")
    return _text(_way(way), BAD if way.last_seconds is None else WARN if way.lost else GOOD)


def _way(way: Way) -> str:
    last = "lost" if way.last_seconds is None else _seconds(way.last_seconds)
    return f"{last}; {way.lost} of the last {way.known} lost"


def _engine(host: HostReport, name: str) -> Cell:
    engine = next((engine for engine in host.engines if engine.name == name), None)
    if engine is None:
        return _text("not in use")
    if not engine.breakers.all:
        return _silent()
    place = host.engines.index(engine) + 1
    out = engine.breakers.open + engine.breakers.half_open
    told = [f"asked as number {place}", *_orders(engine)]
    told += [f"left alone by {out} of {engine.breakers.all} workers"] if out else []
    return _text("; ".join(told), BAD if out else WARN if len(told) > 1 else GOOD)


def _orders(engine: Engine) -> Iterator[str]:
    if engine.order:
        what = "skipped" if engine.order.act == "skip" else "first"
        yield f"{what} until {_until(engine.order.until)} by {engine.order.by}"
    if engine.bypassed_until is not None and (engine.order is None or engine.order.by != "failover"):
        yield f"skipped until {_until(engine.bypassed_until)} by failover"


def _limits(host: HostReport) -> Cell:
    if host.limits is None:
        return _silent()
    if not host.limits.local:
        return _text("counted in Valkey", GOOD)
    return _text(f"{host.limits.local} of {host.limits.of} workers by themselves", BAD)


def _snapshot(host: HostReport) -> Cell:
    seen = host.snapshot
    if seen is None:
        return _silent()
    source = seen.source_age_seconds
    if source is None:
        return _text(f"{seen.aliases}, read {duration.show(seen.age_seconds)} ago")
    if math.isinf(source):
        return _text(f"{seen.aliases}, database unknown", BAD)
    return _text(f"{seen.aliases}, database read {duration.show(source)} ago")


def _mx(report: Report) -> Iterator[Text]:
    together: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for domain, preferences in report.mx.items():
        order = tuple(sorted(preferences.items(), key=lambda pair: pair[1]))
        together.setdefault(order, []).append(domain)
    for order, domains in together.items():
        shown = ", ".join(f"{host} {preference}" for host, preference in order)
        yield _text(f"MX of {', '.join(domains)}: {shown}")


def _acts(report: Report) -> Iterator[Text]:
    if report.acts:
        yield Text("last acts:")
    for act in report.acts:
        by = "" if act.automatic else " (ordered)"
        yield _text(f"  {moment(act.at)} {act.host}: {act.name} {act.whom}{by}: {act.cause}")


def _silent() -> Cell:
    return _text("silent", BAD)


def _until(seconds: float | None) -> str:
    return "released" if seconds is None else moment(seconds)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < _DECIMALS_BELOW else f"{seconds:.0f} s"


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style)
