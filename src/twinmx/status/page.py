"""The status page as HTML.

One file without scripts that loads itself again: it is read in a hurry, through a tunnel, on a phone, or on
paper the day after. All text goes through Jinja2's escaping, and the page's own policy (CSP) allows nothing
but its one style sheet, so a peer's text stays text.
"""

import base64
import hashlib
import urllib.parse
from collections.abc import Callable
from datetime import UTC
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from twinmx.status import chart, words
from twinmx.status.standing import PHASES, SYMBOLS, Tone, silent, standing, tone, unusual
from twinmx.status.view import Act, Engine, Host, Limits, View

RELOAD_SECONDS = 10
MOST_HOSTS, MOST_ACTS, MOST_ENGINES, MOST_ACCOUNTS, MOST_SETS, MOST_RULES = 8, 20, 4, 5, 5, 12
MOST_WISHES = MOST_FAULTS = 5
"""Of each no more is shown, so that no peer makes the page large."""

_LEAST_MESSAGES, _LEAST_SECONDS = 10, 1
"""The scales of the curves end no lower: an hour without trouble shall look like one."""

_COLOURS: dict[Tone, str] = {"good": "#1a7f37", "warn": "#bf8700", "bad": "#cf222e", "unknown": "#6e7781"}

_STYLE = files("twinmx.status").joinpath("style.css").read_text(encoding="utf-8")
_POLICY = (
    "default-src 'none'; img-src data:; style-src "
    f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)
_environment = Environment(
    loader=PackageLoader("twinmx.status", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals.update(symbols=SYMBOLS, width=chart.WIDTH, height=chart.HEIGHT)


def render(view: View) -> str:
    """The page of `view`; that of a pair is below 100 KB whatever the peer says."""
    whole = standing(view)
    hosts = view.hosts[:MOST_HOSTS]
    heard = [host for host in hosts if not silent(view, host)]
    return _environment.get_template("page.html.j2").render(
        style=_STYLE,
        policy=_POLICY,
        icon=_icon(whole.tone),
        reload=RELOAD_SECONDS,
        me=words.name(view.me),
        at=view.at.astimezone(UTC),
        manual=view.manual,
        standing=whole,
        details=whole.details[:MOST_HOSTS],
        hosts=[_host(view, host) for host in hosts],
        charts=_charts(view),
        engines=[_engine(host, engine) for host in heard for engine in host.engines[:MOST_ENGINES]],
        limits=[_limits(host, host.limits) for host in heard if host.limits],
        unheard=words.joined([host.name for host in hosts if silent(view, host)]),
        window=words.duration(view.window_seconds),
        mx=_mx(view),
        acts=[_act(view, act) for act in view.acts[:MOST_ACTS]],
    )


def _icon(now: Tone) -> str:
    """A dot in the tab, as data: URL."""
    dot = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'>"
        f"<circle cx='4' cy='4' r='4' fill='{_COLOURS[now]}'/></svg>"
    )
    return "data:image/svg+xml," + urllib.parse.quote(dot)


def _host(view: View, host: Host) -> dict[str, Any]:
    return {
        "name": words.name(host.name),
        "is_me": host.name == view.me,
        "tone": tone(view, host),
        "silent": silent(view, host),
        "heard": None if host.heard_seconds is None else words.duration(host.heard_seconds),
        "phase": words.text(PHASES.get(host.phase, host.phase)),
        "cause": words.text(host.cause),
        "since": words.duration(host.since_seconds),
        "bad": [words.name(rule) for rule in host.bad[:MOST_RULES]],
        "suspect": [words.name(rule) for rule in host.suspect[:MOST_RULES] if rule not in host.bad],
        "hold": words.text(host.hold),
        "recommends": [words.text(one) for one in host.recommends[:MOST_WISHES]],
        "faults": [
            (words.name(what), words.text(why)) for what, why in list(host.faults.items())[:MOST_FAULTS]
        ],
        "forwarders": _workers(host.forwarders, known=not silent(view, host)),
        "gates": _workers(host.gates, known=not silent(view, host)),
    }


def _workers(counted: tuple[int, int] | None, *, known: bool) -> dict[str, Any]:
    if counted is None:
        return {"says": words.UNKNOWN, "tone": "unknown"}
    up, all_of_them = counted
    now: Tone = "good" if up >= all_of_them else "warn" if up else "bad"
    says = f"{words.number(up)} of {words.number(all_of_them)}"
    return {"says": says, "tone": now if known else "unknown"}


def _charts(view: View) -> list[chart.Chart]:
    hosts = [(words.name(host.name), host) for host in view.hosts[:MOST_HOSTS]]
    return [
        chart.chart(
            "Inbound queue",
            _says("messages", view.pending_messages, words.number, " older than 1 min"),
            [(name, host.inbound) for name, host in hosts],
            words.number,
            _LEAST_MESSAGES,
            view.pending_messages,
        ),
        chart.chart(
            "Outbound queue",
            "messages",
            [(name, host.outbound) for name, host in hosts],
            words.number,
            _LEAST_MESSAGES,
            None,
        ),
        chart.chart(
            "Canary",
            _says("delay", view.delay_seconds, words.seconds),
            [(name, host.canary) for name, host in hosts],
            words.seconds,
            _LEAST_SECONDS,
            view.delay_seconds,
        ),
    ]


def _says(what: str, limit: float | None, worded: Callable[[float | None], str], of_these: str = "") -> str:
    return what if limit is None else f"{what}, bad above {worded(limit)}{of_these}"


def _engine(host: Host, engine: Engine) -> dict[str, Any]:
    out = engine.out_seconds is not None
    says: dict[bool | None, tuple[Tone, str]] = {
        True: ("good", "well"),
        False: ("bad", "not well"),
        None: ("unknown", "nothing to judge by"),
    }
    now, said = ("warn", f"left out for {words.duration(engine.out_seconds)}") if out else says[engine.well]
    return {
        "host": words.name(host.name),
        "name": words.name(engine.name),
        "tone": now,
        "says": said,
        "seconds": words.duration(engine.seconds),
        "failed": words.percent(engine.failed),
    }


def _limits(host: Host, limits: Limits) -> dict[str, Any]:
    says: dict[bool | None, tuple[Tone, str]] = {
        True: ("warn", "each worker counts for itself"),
        False: ("good", "counted in Valkey"),
        None: ("unknown", "not known"),
    }
    now, said = says[limits.alone]
    return {
        "host": words.name(host.name),
        "tone": now,
        "says": said,
        "refused": words.number(limits.refused),
        "accounts": [
            (words.text(account, 80), words.number(times))
            for account, times in limits.accounts[:MOST_ACCOUNTS]
        ],
    }


def _mx(view: View) -> list[dict[str, Any]]:
    """The records, domains that have the same ones together."""
    together: dict[tuple[tuple[int, str], ...] | None, list[str]] = {}
    for domain, records in view.mx.items():
        key = None if records is None else tuple(sorted(records)[:MOST_HOSTS])
        together.setdefault(key, []).append(domain)
    return [
        {
            "domains": words.joined(domains),
            "records": [(words.number(preference), words.name(host)) for preference, host in records or ()],
            "unread": records is None,
            "unusual": unusual(view, records),
        }
        for records, domains in list(together.items())[:MOST_SETS]
    ]


def _act(view: View, act: Act) -> dict[str, Any]:
    return {
        "at": act.at.astimezone(UTC),
        "ago": words.duration((view.at - act.at).total_seconds()),
        "host": words.name(act.host),
        "name": words.name(act.name),
        "whom": "" if act.whom == act.host else words.name(act.whom),
        "cause": words.text(act.cause),
        "by": "the agent" if act.automatic else "an operator",
    }
