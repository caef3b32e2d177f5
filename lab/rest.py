"""Whether the exchangers are at rest: in service, as DNS should have them, and without an alert."""

import asyncio
import json
import urllib.error

from inventory.load import load_exchange
from inventory.schema import Exchange
from lab import mx_order, watching
from lab.errors import LabError
from lab.settings import AUTHORITATIVE_PORT, LAB, ROOT, LabHost
from lab.waiting import until
from roles.lib import ports
from roles.lib.alerts.rule import ALWAYS

REST_SECONDS = 900
"""A spam engine that was left out stays out for `failover.rules.engine.bypass_seconds`: ten minutes."""


def _unrest(host: LabHost, exchange: Exchange, order: dict[str, int]) -> str | None:
    """Why a host is not at rest, by its agent and its Alertmanager; None where it is."""
    state = json.loads(watching.fetched(f"http://{host.address}:{ports.FAILOVER}/state"))
    alerts = json.loads(watching.fetched(f"http://{host.address}:{ports.ALERTMANAGER}/api/v2/alerts"))
    firing = [one["labels"]["alertname"] for one in alerts if one["labels"].get("severity") != ALWAYS]
    mode, minimum_seconds = exchange.failover.mode, exchange.failover.minimum_seconds
    reasons = {
        f"it is {state['state']}": state["state"] != "active",
        f"bad: {state['bad'] or state['suspect']}": state["bad"] or state["suspect"],
        f"{state['mode']}, held by {state['hold']}": state["held"] or state["mode"] != mode,
        f"left out: {list(state['bypassed'])}": state["bypassed"],
        f"DNS has {state['mx']}": any(shown != order for shown in state["mx"].values()),
        f"firing: {firing}": firing,
        "its last act is too young": state["at"] - (state["last_act"] or 0) <= minimum_seconds,
    }
    return "; ".join(text for text, wrong in reasons.items() if wrong) or None


def preferred() -> set[str]:
    """The exchangers that come first in the MX of any served domain, on the server that is their source."""

    async def ask_all() -> set[str]:
        answers = [await mx_order.ask(domain, AUTHORITATIVE_PORT) for domain in LAB.domains]
        return {min(answer)[1] for answer in answers}

    names = asyncio.run(ask_all())
    return {host.alias for host in LAB.hosts if host.fqdn in names}


def wait_for_rest(exchange: Exchange | None = None) -> None:
    """Wait until both agents are active and may act, DNS is the exchange's, and no alert fires.

    exchange: what the hosts were converged to; the lab's without flags where it is left out. Raises LabError
    with what is not so after REST_SECONDS.
    """
    exchange = exchange or load_exchange(ROOT / "inventory" / "exchange.yml")
    order = {name: host.mx_priority for name, host in exchange.exchangers.items()}
    said: dict[str, str] = {}

    def at_rest() -> bool:
        said.clear()
        for host in LAB.hosts:
            try:
                why = _unrest(host, exchange, order)
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                why = str(error)
            if why:
                said[host.alias] = why
        return not said

    try:
        until(at_rest, REST_SECONDS, "both hosts at rest")
    except LabError as error:
        raise LabError(f"{error.cause}: {said}") from error
