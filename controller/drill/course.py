"""The course of a drill on exchangers that carry mail, from a pair in service to a pair in service.

From the moment at which the first host may have been touched there is one way out, whatever happens: a plain
converge. A signal is an error like others, and those that come while that converge runs have to wait for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from controller.drill.chosen import Chosen
from controller.drill.ending import end
from controller.drill.hosts import Hosts, Seen
from controller.drill.saying import say
from controller.drill.signals import Signals
from controller.errors import ControllerError
from controller.report import console
from controller.rolling.gates import Clock, Gates

PROOF_SECONDS = 120.0
LOOK_SECONDS = 5.0
ALONE = 2
"""Looks in a row at which nobody carries mail; one may be the fault of our own network."""

MARGIN_SECONDS = 10.0
"""So much before the hosts would end it by themselves, it is ended here."""


@dataclass
class Outcome:
    """What became of a drill. Seconds count from the begin of its converge; None: not reached.

    why: each reason why it did not go as it should; none where all is well.
    """

    proved: float | None = None
    ending: float | None = None
    ended: float | None = None
    back: float | None = None
    acts: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether the fault was proved, lasted and was ended, and all exchangers are back in service."""
        return not self.why


class Course:
    """One drill on `hosts`; `holds` raises ControllerError where they are no longer this run's."""

    def __init__(
        self, chosen: Chosen, hosts: Hosts, gates: Gates, clock: Clock, holds: Callable[[], None]
    ) -> None:
        self._chosen = chosen
        self._hosts = hosts
        self._gates = gates
        self._clock = clock
        self._holds = holds
        self._before: Seen | None = None
        self._begun = 0.0
        self._outcome = Outcome()

    def carry_out(self, signals: Signals, ended: Callable[[], None]) -> Outcome:
        """Begin it, watch it, end it, and wait until all are in service; what became of it.

        ended: called when nothing of it is left.
        """
        outcome = self._outcome
        self._begun = self._clock.now()
        try:
            try:
                self._suffer()
            except (ControllerError, OSError, KeyboardInterrupt) as error:
                outcome.why.append(str(error) or "broken off by a signal")
            finally:
                signals.hold()
        finally:
            self._end(ended)
        if outcome.ended is not None:
            signals.allow()
            self._come_back()
        return outcome

    def _since(self) -> float:
        return self._clock.now() - self._begun

    # --- the fault ---------------------------------------------------------------------------------

    def _suffer(self) -> None:
        self._before = self._hosts.look()
        with console.status(f"converge: drill={self._chosen.flag}"):
            self._hosts.converge(self._chosen.flag)
        say(f"✓ converged with drill={self._chosen.flag} ({self._since():.0f} s)")
        self._prove()
        self._outcome.proved = self._since()
        say(f"✓ the fault is in effect ({self._outcome.proved:.0f} s)")
        self._watch()
        if why := self._hosts.not_proved(self._chosen, lasting=True):
            raise ControllerError(f"the fault did not last: {why}")

    def _prove(self) -> None:
        deadline = self._clock.now() + PROOF_SECONDS
        with console.status("is the fault in effect?") as status:
            while why := self._hosts.not_proved(self._chosen):
                if self._clock.now() >= deadline:
                    raise ControllerError(f"the fault is not in effect after {PROOF_SECONDS:g} s: {why}")
                status.update(f"not yet: {why}")
                self._clock.sleep(LOOK_SECONDS)

    def _watch(self) -> None:
        """Show what the hosts say until the time is over; ControllerError where it cannot go on."""
        end_ = min(
            self._clock.now() + self._chosen.seconds,
            self._begun + self._chosen.limit_seconds - MARGIN_SECONDS,
        )
        alone = 0
        with console.status("") as status:
            while (left := end_ - self._clock.now()) > 0:
                seen = self._hosts.look()
                self._tell(seen)
                status.update(f"{self._chosen.drill.name}: {left:.0f} s left; {_line(seen)}")
                alone = 0 if seen.serving else alone + 1
                if alone >= ALONE:
                    told = "; ".join(f"{name}: {why}" for name, why in seen.out.items())
                    raise ControllerError(f"nobody carries mail any more: {told}")
                if over := self._hosts.over(self._chosen):
                    raise ControllerError(f"somebody else has ended it on {', '.join(over)}")
                self._holds()
                self._clock.sleep(min(LOOK_SECONDS, left))

    def _tell(self, seen: Seen) -> None:
        """Each act and each alert that was not there before, once."""
        assert self._before
        for name, account in seen.accounts.items():
            known = self._before.accounts[name].acts
            for act in account.acts:
                text = f"{name}: {act.name} {act.whom} ({act.cause})"
                if act not in known and text not in self._outcome.acts:
                    self._outcome.acts.append(text)
                    say(f"  act after {self._since():.0f} s: {text}")
        for alert in sorted((seen.alerts or frozenset()) - (self._before.alerts or frozenset()), key=str):
            if str(alert) not in self._outcome.alerts:
                self._outcome.alerts.append(str(alert))
                say(f"  alert after {self._since():.0f} s: {alert} ({alert.severity})")

    # --- the way back ------------------------------------------------------------------------------

    def _end(self, ended: Callable[[], None]) -> None:
        self._outcome.ending = self._since()
        for why in self._outcome.why:
            say(f"✗ {why}")
        say("the drill is being ended: a plain converge")
        try:
            end(self._hosts, self._clock)
        except ControllerError as error:
            self._outcome.why.append(str(error))
            return
        ended()
        self._outcome.ended = self._since()
        say(f"✓ nothing of it is left ({self._outcome.ended:.0f} s)")

    def _come_back(self) -> None:
        try:
            for name in self._hosts.fleet.remotes:
                self._gates.in_service(name)
            for name in self._hosts.fleet.remotes:
                self._gates.canaries(name)
        except (ControllerError, OSError, KeyboardInterrupt) as error:
            self._outcome.why.append(str(error) or "not waited for: broken off by a signal")
            return
        self._outcome.back = self._since()
        say(f"✓ all are in service, and canaries come back through each ({self._outcome.back:.0f} s)")


def _line(seen: Seen) -> str:
    states = ", ".join(f"{name} {account.state}" for name, account in seen.accounts.items())
    if seen.alerts is None:
        return f"{states}; no Alertmanager answers"
    return f"{states}; alerts: {', '.join(sorted(map(str, seen.alerts))) or 'none'}"
