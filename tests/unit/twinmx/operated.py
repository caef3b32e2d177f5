"""A pair with real agents on a thread of its own, for commands that have an event loop themselves."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog
from aiohttp import web
from typer.testing import CliRunner, Result

from tests.unit.twinmx.failover_pair import HostUnderTest, Programs
from tests.unit.twinmx.supervised import free_port
from twinmx.failover import clock, port25
from twinmx.failover.settings import Settings
from twinmx.failover.state import State
from twinmx.failover.store import Store
from twinmx.mxctl.main import app

PATIENCE_SECONDS = 20
WELL = """twinmx_queue_read_age_seconds{instance="out"} 1
twinmx_queue_messages{instance="in",queue="deferred"} 7
twinmx_queue_oldest_seconds{instance="in",queue="deferred"} 3700
twinmx_queue_messages{instance="out",queue="hold"} 2
twinmx_spam_breaker_state{engine="rspamd"} 0
twinmx_spam_breaker_state{engine="spamassassin"} 0
twinmx_limits_local 0
twinmx_aliases_snapshot_aliases 12
twinmx_aliases_snapshot_age_seconds 300
"""
DELAYS: list[float | None] = [0.3, None, 0.4]
T = TypeVar("T")


class OperatedPrograms(Programs):
    """Programs with a canary whose last `delays` through both exchangers are these."""

    delays: list[float | None] = DELAYS

    async def _state(self, _request: web.Request) -> web.Response:
        way = {"delays": self.delays, "waiting": 0}
        return web.json_response({"via": {"mx1": way, "mx2": way}})


class Operated(HostUnderTest):
    """A host with the settings file of its agent, for `mxctl`."""

    programs: OperatedPrograms

    def __init__(self, name: str, directory: Path, base: int, run: Callable[[Coroutine[Any, Any, T]], T]):
        super().__init__(name, directory, base)
        self.programs = OperatedPrograms(self.programs.address)
        self.file = directory / "failover.toml"
        self.file.write_text("".join(f"{k} = {_toml(v)}\n" for k, v in _facts(self.settings).items()))
        self._run: Callable[[Coroutine[Any, Any, Any]], Any] = run

    def mxctl(self, *words: str) -> Result:
        """Run a command as on this host."""
        return CliRunner().invoke(app, [*words, "--settings", str(self.file)], env={"COLUMNS": "100"})

    def told(self, *words: str, status: int = 0) -> Any:
        """What it says to programs."""
        answer = self.mxctl(*words, "--json")
        assert answer.exit_code == status, answer.output
        return json.loads(answer.stdout)

    def seen(self) -> dict[str, Any]:
        """The agent's state."""
        state: dict[str, Any] = self._run(self.state())
        return state

    def order(self, path: str) -> None:
        """Another operator's order."""
        self._run(self.operator("POST", path, by="bob"))

    def restart(self) -> None:
        """Start its agent again."""
        self._run(self.start())

    def kill(self) -> None:
        """Stop its agent."""
        self._run(self.stop())

    def is_ready(self) -> bool:
        """Whether it is in service, well, and knows that the other is."""
        state = self.seen()
        fit = all(peer["fit"] for peer in state["peers"].values())
        return state["state"] == "active" and bool(state["promises"] and fit)


@contextmanager
def operated(directory: Path) -> Iterator[tuple[Operated, Operated]]:
    """mx1 and mx2, both well."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE_SECONDS)

    async def no_nft(_seconds: float | None, _exempt: object) -> None:
        pass

    def quiet(_logger: object, _name: str, _event: object) -> str:
        raise structlog.DropEvent  # the agents share the standard output with the command

    base, smtp = free_port(6), free_port()
    structlog.configure(processors=[quiet])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(port25, "apply", no_nft)
        patch.setattr(Settings, "smtp_port", smtp)
        hosts = Operated("mx1", directory / "mx1", base, run), Operated("mx2", directory / "mx2", base, run)
        for host in hosts:
            host.programs.metrics = WELL
            run(host.programs.start(base, smtp))
            # a new agent waits: it may have promised
            Store(host.directory, host.directory, clock.boot_id()).save(State())
            host.restart()
        until(lambda: all(host.is_ready() for host in hosts))
        yield hosts
        for host in hosts:
            host.kill()
            run(host.programs.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    structlog.reset_defaults()


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is behind a socket."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def _facts(settings: Settings) -> dict[str, Any]:
    facts: dict[str, Any] = settings.model_dump(mode="json", exclude_none=True)
    return facts


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_toml(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)
