"""What the chain asks of an engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from twinmx.spam.sample import Context, Sample


class EngineError(Exception):
    """The engine gave no verdict; `kind` is one word for it: refused, error, garbage or mistaken."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    """Score and symbols of one scan."""

    score: float
    symbols: Sequence[str]


class Engine(Protocol):
    """A spam engine. A scan may be cancelled at any time and then leaves nothing open."""

    @property
    def name(self) -> str:
        """The name in verdicts, logs and metrics."""

    @property
    def budget_seconds(self) -> float:
        """How long it may take before the next engine is asked as well."""

    async def scan(self, sample: Sample, context: Context) -> Answer:
        """Return the engine's answer; raises `EngineError`. Sets no deadline of its own."""

    async def close(self) -> None:
        """Let go of connections."""
