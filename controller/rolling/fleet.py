"""What a rolling converge asks of the hosts, and has them do. What it means is decided elsewhere."""

import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from controller import pyinfra
from controller.errors import ControllerError
from controller.plan.document import Plan
from controller.plan.making import make
from controller.remote import UNREACHED, Remote
from controller.rolling.agent import REASON, Agent
from controller.rolling.canaries import Counts
from inventory.schema import Exchange
from roles.forwarder import SRS_KEYS
from roles.lib import ports
from roles.lib.agents import ASK
from roles.lib.converge import HOME, PENDING
from roles.lib.greeting import why_no_mail
from roles.lib.observed import ONHOST
from roles.lib.telling import PATH, Account
from roles.release import CURRENT

DRAIN_FOR = "2h"
"""A host whose converge was broken off returns by itself after it."""

ROLLBACK_SECONDS = 1800.0
CREDENTIALS = str(Path(SRS_KEYS).parent)
PROBE = ("env", f"CREDENTIALS_DIRECTORY={CREDENTIALS}", f"{CURRENT}/bin/python", "-m", "twinmx.canary.probe")
PROBE_SECONDS = 60
WHO, CLOCK, UNFINISHED = "id -u", "date +%s.%N", f"test -d {PENDING} && echo unfinished || echo finished"
LOG_LINES = 20
UNITS = ("postfix*", "gate@*", "forwarder@*", "rspamd", "spamd", "canary", "failover", "valkey*", "twinmx-*")
TROUBLE = r"error|fail|fatal|panic|refus|reject|Traceback|exited|said: [45]|status=(deferred|bounced)"


@dataclass(frozen=True)
class Look:
    """A host before it is touched. clock_seconds: how far its clock is ahead of ours, at the least."""

    root: bool
    clock_seconds: float
    unfinished: bool
    agent: Agent


class Fleet:
    """The exchangers of an inventory."""

    def __init__(
        self, inventory: str, exchange: Exchange, flags: Mapping[str, str], remotes: Mapping[str, Remote]
    ) -> None:
        self.exchange = exchange
        self.remotes = remotes
        self._inventory = inventory
        self._flags = flags

    # --- asked -------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """What would change; raises ControllerError where nothing could be planned."""
        return make(self._inventory, self._flags)

    def looks(self) -> dict[str, Look | str]:
        """Every exchanger as it is, asked at once; a sentence instead of one that was not reached."""
        with ThreadPoolExecutor(len(self.remotes)) as pool:
            return dict(zip(self.remotes, pool.map(self._look, self.remotes.values()), strict=True))

    def _look(self, remote: Remote) -> Look | str:
        began = time.time()
        answer = remote.try_(f"{WHO}; {CLOCK}; {UNFINISHED}; {ASK} || true")
        ended = time.time()
        lines = answer.output.splitlines()
        if answer.status or len(lines) < 3:  # noqa: PLR2004 - who, clock, unfinished
            return answer.said or "it says nothing"
        clock = float(lines[1])
        ahead = max(0.0, clock - ended) - max(0.0, began - clock)
        return Look(lines[0] == "0", ahead, lines[2] == "unfinished", Agent.read("\n".join(lines[3:])))

    def agents(self) -> dict[str, Agent]:
        """Every exchanger's agent, asked at once."""
        with ThreadPoolExecutor(len(self.remotes)) as pool:
            return dict(zip(self.remotes, pool.map(self.agent, self.remotes), strict=True))

    def agent(self, name: str) -> Agent:
        """What the agent of a host says now."""
        answer = self.remotes[name].try_(f"{ASK} || true")
        return Agent(state="silent") if answer.status else Agent.read(answer.output)

    def greets(self, name: str) -> None:
        """Ask a host, as a sender would, whether it takes mail with STARTTLS."""
        if why := why_no_mail(self.exchange.exchangers[name]):
            raise ControllerError(why)

    def canaries(self, via: str) -> dict[str, Counts]:
        """By observer, what its canary counts through `via`; only of those that try it."""
        counted = {}
        for name, remote in self.remotes.items():
            at = f"http://{self.exchange.exchangers[name].peer}:{ports.CANARY_METRICS}/metrics"
            answer = remote.try_(f"curl --silent --fail --max-time 3 {at}")
            if answer.status == 0 and (counts := Counts.read(answer.output, via)):
                counted[name] = counts
        return counted

    def probe(self, name: str, places: Sequence[str]) -> None:
        """Have a host send one message to each ADDRESS:PORT; ControllerError where one is not back."""
        words = [*PROBE, "--seconds", str(PROBE_SECONDS), *places]
        answer = self.remotes[name].try_(shlex.join(words), seconds=(len(places) + 1) * 2 * PROBE_SECONDS)
        if answer.status == 0:
            return
        for line in answer.output.splitlines() if answer.status != UNREACHED else ():
            told = json.loads(line)
            if not told["arrived"]:
                why = "was taken and did not come back" if told["accepted"] else "was not taken"
                raise ControllerError(f"a message to {told['place']} {why}: {told['said']}")
        raise ControllerError(f"no message could be sent: {answer.said}")

    def log(self, name: str, since: float) -> str:
        """The lines of the host's log that tell of trouble, of the time since (seconds since 1970)."""
        units = [word for unit in UNITS for word in ("-u", unit)]
        words = ["journalctl", "--no-pager", "-q", "--since", f"@{int(since)}", "-n", str(LOG_LINES)]
        answer = self.remotes[name].try_(shlex.join([*words, *units, "-g", TROUBLE]))
        return answer.output.strip()

    # --- done --------------------------------------------------------------------------------------

    def drain(self, name: str, *, for_ever: bool = False, wait: bool = True) -> None:
        """Take a host out of service, and wait until it is; ControllerError with its agent's reason."""
        words = ["mxctl", "drain", "--reason", REASON]
        words += [] if for_ever else ["--for", DRAIN_FOR]
        words += ["--wait"] if wait else []
        patience = self.exchange.failover.drain_seconds + self.exchange.rolling.patience_seconds
        self.remotes[name].run(shlex.join(words), seconds=patience)

    def undrain(self, name: str) -> None:
        """Bring a host back on trial."""
        self.remotes[name].run(shlex.join(["mxctl", "undrain", "--reason", REASON]))

    def save(self, name: str, paths: Collection[str]) -> None:
        """Keep what a host is now, on it: the files at `paths`, and how its services were started."""
        self._generation(name, {"act": "save", "paths": sorted({*paths, CURRENT})})

    def commit(self, name: str) -> None:
        """What was kept last is the previous state from now on: the new one was found good."""
        self._generation(name, {"act": "commit"})

    def can_go_back(self, name: str) -> None:
        """ControllerError with what a rollback of a host lacks; nothing is touched."""
        self._generation(name, {"act": "look", "failed": False})

    def rollback(self, name: str, *, failed: bool = False) -> str:
        """Put a host back to what was kept; what was done, or ControllerError with what could not be.

        failed: only from a converge that was not found good, and so never further than it began.
        """
        return self._generation(name, {"act": "rollback", "failed": failed}, ROLLBACK_SECONDS)

    def _generation(self, name: str, asked: Mapping[str, object], seconds: float = 120.0) -> str:
        program = (ONHOST / "generation.py").read_text()
        return self.remotes[name].python(program, json.dumps({**asked, "home": HOME}), seconds=seconds)

    def converge(self, names: Sequence[str]) -> dict[str, str]:
        """Run the roles on these at once, their output on the terminal; by host, what failed."""
        limits = [word for name in names for word in ("--limit", name)]
        arguments = pyinfra.command(self._inventory, "-y", *limits, flags=self._flags)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "told.json")
            environment = {**os.environ, PATH: str(path)}
            done = subprocess.run(arguments, cwd=pyinfra.ROOT, env=environment, check=False)
            try:
                places = Account.model_validate_json(path.read_bytes()).places
            except (OSError, ValidationError):
                return dict.fromkeys(names, "pyinfra ended early; its last lines above say why")
        failed = {
            name: "\n".join(places[name].errors) or "its last lines above say why"
            for name in names
            if places[name].failed
        }
        if done.returncode and not failed:
            return dict.fromkeys(names, "pyinfra failed; its last lines above say why")
        return failed

    def converge_elsewhere(self, limit: str) -> None:
        """Converge what is no exchanger (the database's host, the controller for DNS)."""
        pyinfra.show(pyinfra.command(self._inventory, "-y", limit=limit, flags=self._flags))
