"""What the agent answers: its state and promises to its peers, a page to people, orders to operators.

Operators come through a socket in the file system, which only root and the agent's user may open: `mxctl`
does. Peers and monitors come over the peer link.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import structlog
from aiohttp import web
from pydantic import Field, ValidationError

from twinmx.failover import clock
from twinmx.failover.acts import Act, RefusedError
from twinmx.failover.agent import Agent
from twinmx.failover.promise import PATH, PromiseError
from twinmx.failover.state import CLOSED, Order
from twinmx.program.settings import Table
from twinmx.status.page import render

_MAX_BYTES = 10_000
_LONGEST_SECONDS = 30 * 86400.0


class Wanted(Table):
    """What an operator's order says: who, why, and for how many seconds (None: until it is taken back)."""

    by: Annotated[str, Field(min_length=1, max_length=100)]
    reason: Annotated[str, Field(max_length=300)] = ""
    seconds: Annotated[float, Field(gt=0, le=_LONGEST_SECONDS)] | None = None

    def order(self) -> Order:
        """The order, from now on."""
        until = None if self.seconds is None else clock.now() + self.seconds
        return Order(by=self.by, reason=self.reason, until=until)


def state_of(agent: Agent) -> dict[str, Any]:
    """What /state says. Times are seconds since 1970, for people."""
    machine, state = agent.machine, agent.state
    now = clock.now()
    drain = agent.picture.drain
    readings = agent.readings
    return {
        "host": agent.settings.name,
        "at": clock.wall(now),
        "held": state.hold is not None,
        "hold": _order(state.hold),
        "mode": machine.policy.mode,
        "active": machine.policy.active,
        "state": state.phase.value,
        "cause": state.cause,
        "since": clock.wall(state.since),
        "last_act": None if state.last_act is None else clock.wall(state.last_act),
        "well": None if readings is None else not drain.suspect,
        "bad": sorted(drain.bad),
        "suspect": sorted(drain.suspect),
        "promises": machine.refusal("", now) is None,
        "promised": {peer: clock.wall(given.until) for peer, given in state.given.items()},
        "holds": (
            {"peer": state.held.peer, "until": clock.wall(state.held.until)}
            if state.held and state.phase in CLOSED
            else None
        ),
        "order": _order(state.order),
        "demoted": sorted(state.demoted),
        "bypassed": {engine: clock.wall(until) for engine, until in state.bypassed.items()},
        "peers": {
            name: {"fresh": peer.fresh, "fit": peer.fit, "silent": peer.silent}
            for name, peer in machine.view.peers.items()
        },
        "recommends": list(machine.recommends),
        "faults": agent.faults,
        "mx": agent.records.preferences if agent.records else {},
        "figures": dict(readings.figures) if readings else {},
        "acts": agent.audit.recent,
        **agent.overview.figures,
    }


def page_of(agent: Agent) -> str:
    """The status page."""
    records = agent.records
    mx = {} if records is None else dict(records.preferences) | dict.fromkeys(records.unread)
    view = agent.overview.view(state_of(agent), clock.now(), heard_seconds=agent.late_seconds, mx=mx)
    return render(view)


def for_peers(agent: Agent) -> list[web.RouteDef]:
    """The routes on the peer link."""

    async def state(_request: web.Request) -> web.Response:
        return web.json_response(state_of(agent))

    async def promise(request: web.Request) -> web.Response:
        try:
            question = agent.doorkeeper.admit(await request.content.read(_MAX_BYTES))
        except PromiseError as error:
            return web.Response(status=403, text=f"{error}\n")
        answer = agent.doorkeeper.answer(question, await agent.asked(question))
        return web.Response(text=answer.model_dump_json(), content_type="application/json")

    async def page(_request: web.Request) -> web.Response:
        try:
            return web.Response(
                text=page_of(agent), content_type="text/html", headers={"Cache-Control": "no-store"}
            )
        except Exception:
            structlog.get_logger().exception("status page not made")
            return web.Response(status=500, text="the status page cannot be made; /state says more\n")

    return [web.get("/", page), web.get("/state", state), web.post(PATH, promise)]


def for_operators(agent: Agent) -> list[web.RouteDef]:
    """The routes of the socket: GET /state, and an order each by POST; 409 is a refusal, with its reason."""

    async def state(_request: web.Request) -> web.Response:
        return web.json_response(state_of(agent))

    def ordering(act: Callable[[Wanted], Awaitable[None]]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                await act(Wanted.model_validate_json(await request.content.read(_MAX_BYTES)))
            except ValidationError as error:
                return _said(400, f"no order: {error.errors()[0]['loc']} {error.errors()[0]['msg']}")
            except RefusedError as error:
                return _said(409, str(error))
            except OSError as error:
                return _said(500, f"the state cannot be saved: {error.strerror}")
            return web.json_response(state_of(agent))

        return handle

    def by(change: Callable[[Order], list[Act]]) -> Callable[[web.Request], Any]:
        return ordering(lambda wanted: agent.order(lambda: change(wanted.order())))

    machine = agent.machine
    return [
        web.get("/state", state),
        web.post("/drain", ordering(lambda wanted: agent.drain(wanted.order()))),
        web.post("/undrain", by(lambda order: machine.undrain(order, clock.now()))),
        web.post("/end", by(lambda order: machine.end(order, clock.now()))),
        web.post("/hold", by(machine.hold)),
        web.post("/release", by(machine.release)),
    ]


def _order(order: Order | None) -> dict[str, Any] | None:
    if order is None:
        return None
    until = None if order.until is None else clock.wall(order.until)
    return {"by": order.by, "reason": order.reason, "until": until}


def _said(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=json.dumps({"refused": text}), content_type="application/json")
