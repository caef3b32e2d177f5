"""What one run of a drill came to: everything a report, a table or a machine wants to know of it.

All moments (`at`, the first column of every series) are seconds from the begin of the fault, negative
before it. A series is a list of points, oldest first.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

Variant = Literal["now", "then"]
Series = list[tuple[float, float]]
"""Moment and value."""


@dataclass
class Phases:
    """Moments of the run. proved: the fault was seen in effect. recovered: the plain converge was done."""

    first: float = 0.0
    proved: float = 0.0
    ended: float = 0.0
    recovered: float = 0.0
    last: float = 0.0


@dataclass
class Delay:
    """Delays of bystanders, in seconds from the moment a letter was due to the mailbox; `count` copies."""

    count: int
    p50: float
    p99: float
    longest: float


WINDOW_SECONDS = 5.0


@dataclass
class Window:
    """The delays of the bystanders begun within a window of WINDOW_SECONDS, which begins at `at`."""

    at: float
    p50: float
    p99: float
    longest: float


@dataclass
class Event:
    """An alert that the pager was told (`by`: its host), an act of an agent, or an operator's step.

    automatic: whether nobody ordered it. well: for a step, whether it ended as it must.
    """

    at: float
    kind: Literal["alert", "act", "step"]
    says: str
    by: str = ""
    cause: str = ""
    automatic: bool = True
    well: bool = True


@dataclass
class Balance:
    """The ledger of a stream: letters up to `gave_up`, copies of accepted letters from `delivered` on."""

    name: str
    bystander: bool
    sent: int
    accepted: int
    refused: int
    gave_up: int
    delivered: int
    quarantined: int
    bounced: int
    queued: int
    lost: int
    duplicated: int
    explained: int


@dataclass
class Check:
    """Something that must hold: a sentence, what was found, and whether it holds."""

    says: str
    found: str
    holds: bool


@dataclass
class Record:
    """One run of one variant of a drill.

    design: what `then` stands for; empty for now. started: seconds since 1970. load: of the machine at the
    begin (one minute). seconds: detect, act, recover; None where it did not happen or is not asked for.
    delays: by phase (before, fault, after). queues, answers, engines: series by label, as "mx1 inbound
    deferred" in messages, "accepted by mx1" in letters a second, "mx1 rspamd scanned" in scans a second.
    """

    drill: str
    says: str
    replays: str
    variant: Variant
    design: str
    short: bool
    started: float
    seed: int
    cores: int
    load: float
    commit: str
    phases: Phases = field(default_factory=Phases)
    seconds: dict[str, float | None] = field(default_factory=dict)
    delays: dict[str, Delay] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)
    queues: dict[str, Series] = field(default_factory=dict)
    answers: dict[str, Series] = field(default_factory=dict)
    engines: dict[str, Series] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    streams: list[Balance] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether all that must hold does."""
        return all(check.holds for check in self.checks)

    @property
    def lost(self) -> int:
        """Copies that are nowhere, of all streams."""
        return sum(stream.lost for stream in self.streams)

    @property
    def duplicated(self) -> int:
        """Copies too many, of all streams."""
        return sum(stream.duplicated for stream in self.streams)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self) | {"well": self.well}, indent=1) + "\n")

    @classmethod
    def load_from(cls, path: Path) -> Self:
        """Read what `save` wrote; raises OSError, ValueError, KeyError or TypeError for anything else."""
        given: dict[str, Any] = json.loads(path.read_text())
        del given["well"]
        given["phases"] = Phases(**given["phases"])
        given["delays"] = {name: Delay(**one) for name, one in given["delays"].items()}
        given["windows"] = [Window(**one) for one in given["windows"]]
        given["events"] = [Event(**one) for one in given["events"]]
        given["streams"] = [Balance(**one) for one in given["streams"]]
        given["checks"] = [Check(**one) for one in given["checks"]]
        for name in ("queues", "answers", "engines"):
            given[name] = {
                label: [(at, value) for at, value in points] for label, points in given[name].items()
            }
        return cls(**given)
