"""What the status page shows: this host as it is, its peers as they were last heard, and the last hour.

It is fed once a period and decides nothing: what goes wrong here is logged, and the agent goes on.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from twinmx.failover.evidence import Evidence, Way
from twinmx.failover.figures import Figures
from twinmx.failover.report import Report
from twinmx.failover.rules import Readings
from twinmx.failover.settings import Settings
from twinmx.status.history import History
from twinmx.status.view import LOST, Host, Points, View

_CURVES = ("inbound", "outbound", "canary")
_QUEUES = {"in": "inbound", "out": "outbound"}
_CURVE_PERIOD_SECONDS, _CURVE_SECONDS = 30, 3600


class Overview:
    """Of every host the last report and its curves. Times are those of `clock.now`, in seconds."""

    def __init__(self, settings: Settings) -> None:
        self.figures: dict[str, Any] = {}
        self._settings = settings
        self._read = Figures(settings)
        self._reports: dict[str, tuple[float, Report]] = {}
        self._delays: dict[tuple[str, str], Sequence[float | None]] = {}
        self._curves = {
            host.name: {curve: History(_CURVE_PERIOD_SECONDS, _CURVE_SECONDS) for curve in _CURVES}
            for host in settings.hosts
        }
        self._log = structlog.get_logger()

    def take(self, evidence: Evidence, readings: Readings) -> None:
        """Take in one period; never raises."""
        try:
            self.figures = self._read.read(evidence, readings)
            self._queues(self._settings.name, self.figures["queues"], evidence.at)
            self._canaries(evidence)
            self._peers(evidence)
        except Exception:
            self._log.exception("status page not fed")

    def view(
        self,
        state: Mapping[str, Any],
        now: float,
        *,
        heard_seconds: float,
        mx: Mapping[str, Mapping[str, int] | None],
    ) -> View:
        """The page at `now`. state: our own /state. heard_seconds: since we last looked, 0 while we do.

        mx: preference by host, by domain.
        """
        settings = self._settings
        reports = self._reports | {settings.name: (now - heard_seconds, Report.model_validate(state))}
        acts = [act for name, (_, report) in reports.items() for act in report.done(name)]
        return View(
            me=settings.name,
            at=datetime.now(UTC),
            hosts=[
                self._host(host.name, reports.get(host.name), now, active=host.active)
                for host in settings.hosts
            ],
            mx={
                domain: None if found is None else sorted((number, host) for host, number in found.items())
                for domain, found in mx.items()
            },
            acts=sorted(acts, key=lambda act: act.at, reverse=True),
            manual=settings.mode == "manual",
            silent_seconds=settings.rules.peer.periods * settings.timing.period_seconds
            + settings.timing.patience_seconds,
            window_seconds=settings.rules.engine.window_seconds,
            pending_messages=settings.rules.pending.messages,
            delay_seconds=settings.rules.canary.seconds,
        )

    def _host(self, name: str, heard: tuple[float, Report] | None, now: float, *, active: bool) -> Host:
        at, report = heard or (None, Report())
        curves: dict[str, Points] = {
            curve: tuple(past.points(now)) for curve, past in self._curves[name].items()
        }
        return report.host(name, None if at is None else now - at, curves, active=active)

    def _peers(self, evidence: Evidence) -> None:
        for name, peer in evidence.peers.items():
            if peer.state is None:
                continue
            report = Report.model_validate_json(peer.said)
            self._reports[name] = evidence.at, report
            self._queues(name, report.queues, evidence.at)

    def _queues(self, name: str, queues: Mapping[str, float], now: float) -> None:
        for instance, curve in _QUEUES.items():
            if instance in queues:
                self._curves[name][curve].add(queues[instance], now)

    def _canaries(self, evidence: Evidence) -> None:
        for observer, canary in evidence.canaries.items():
            for via, way in canary.via.items() if canary else ():
                if via in self._curves:
                    for seconds in self._news(observer, via, way):
                        self._curves[via]["canary"].add(LOST if seconds is None else seconds, evidence.at)

    def _news(self, observer: str, via: str, way: Way) -> list[float | None]:
        """What is new in the way through `via`, which tells no times: of the first look nothing is.

        A message that is late is new until it is back. Where all are lost, one more cannot be told from
        none, and so each look counts as one.
        """
        before = self._delays.get((observer, via))
        self._delays[observer, via] = way.delays
        late = [way.waiting] if way.waiting > self._settings.rules.canary.seconds else []
        if way.delays and all(delay is None for delay in way.delays):
            return [*late, None]
        return late + (way.delays[_known(before, way.delays) :] if before is not None else [])


def _known(before: Sequence[float | None], delays: Sequence[float | None]) -> int:
    """How many of `delays`, which lose the oldest ones, were at the end of `before` already."""
    return next(
        length
        for length in range(min(len(before), len(delays)), -1, -1)
        if list(before[len(before) - length :]) == list(delays[:length])
    )
