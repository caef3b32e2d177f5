"""The spam engines: their order, what each may cost, and when a message moves on without them."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from inventory.knob import Settings, given_twice, knob, refuse

Engine = Literal["rspamd", "spamassassin"]


class Rspamd(Settings):
    """Rspamd: asked over HTTP, a few milliseconds a message."""

    budget_seconds: PositiveFloat = knob(
        4.0, says="After this the next engine is asked as well; the first answer wins.", unit="seconds"
    )
    concurrency: int = knob(
        50, ge=1, le=1000, says="Shown to it at once by one worker process of ours.", unit="messages"
    )
    workers: PositiveInt = knob(2, says="Scanner processes.", unit="processes")
    memory_megabytes: int = knob(1024, ge=256, says="MemoryMax of its unit.", unit="MB")
    cpu_percent: int = knob(150, ge=10, says="CPUQuota of its unit; 100 is one core.", unit="percent")


class SpamAssassin(Settings):
    """SpamAssassin: asked over the spamd protocol, a few hundred milliseconds a message."""

    budget_seconds: PositiveFloat = knob(
        8.0, says="After this the next engine is asked as well; the first answer wins.", unit="seconds"
    )
    concurrency: int = knob(
        5, ge=1, le=1000, says="Shown to it at once by one worker process of ours.", unit="messages"
    )
    children: PositiveInt = knob(5, le=50, says="spamd children (about 60 MB each).", unit="processes")
    memory_megabytes: int = knob(1024, ge=256, says="MemoryMax of its unit.", unit="MB")
    cpu_percent: int = knob(
        100,
        ge=10,
        says="CPUQuota of its unit; in 2020 it took all there was. 100 is one core.",
        unit="percent",
    )


class Breaker(Settings):
    """When an engine that fails is left alone, each worker process for itself."""

    failures: int = knob(5, ge=1, le=1000, says="Failures in a row that take an engine out.", unit="failures")
    open_seconds: int = knob(
        30,
        ge=1,
        le=600,
        says="Longest time between two tries with a message of our own; the first comes after 1 second.",
        unit="seconds",
    )


class Spam(Settings):
    """The spam chain."""

    engines: tuple[Engine, ...] = knob(
        ("rspamd", "spamassassin"), min_length=1, says="Which engines are asked, in this order."
    )
    total_seconds: PositiveFloat = knob(
        15.0, says="All engines together; past it the message moves on, marked unscanned.", unit="seconds"
    )
    reject_score: float = knob(15.0, gt=0, le=1000, says="Score from which a message is spam.", unit="points")
    max_scan_bytes: int = knob(
        1_048_576,
        ge=65_536,
        says="What an engine is shown of a message; of a larger one its head.",
        unit="bytes",
    )
    quarantine_days: int = knob(
        30, ge=1, le=365, says="How long spam found too late to be refused is kept.", unit="days"
    )
    network_tests: bool = knob(True, says="DNS lists and other tests that need the Internet's DNS.")
    rspamd: Rspamd = Field(default_factory=Rspamd)
    spamassassin: SpamAssassin = Field(default_factory=SpamAssassin)
    breaker: Breaker = Field(default_factory=Breaker)

    @field_validator("engines")
    @classmethod
    def _engines_differ(cls, engines: tuple[Engine, ...]) -> tuple[Engine, ...]:
        refuse(given_twice(engines))
        return engines

    @property
    def budgets(self) -> dict[str, float]:
        """budget_seconds of each engine in use."""
        return {engine: getattr(self, engine).budget_seconds for engine in self.engines}
