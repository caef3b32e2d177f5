"""What an agent's /state says for the status page.

Nothing rests on it but what people see. A peer may be of another release, or confused: whatever is missing
or makes no sense is as if it were not known, and the rest is shown.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from twinmx.status.view import Act, Engine, Host, Limits, Points

OUT_OF_SERVICE = "out of service"
_MOST = 100

Text = Annotated[str, Field(max_length=1000)]
Names = Annotated[tuple[Text, ...], Field(max_length=_MOST)]
Amount = Annotated[float, Field(ge=0, le=1e12)]
Moment = Annotated[float, Field(ge=0, le=1e11)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class _Lenient(BaseModel):
    """A field that makes no sense has its default."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _or_unknown(cls, value: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return check(value)
        except ValidationError:
            return cls.model_fields[info.field_name or ""].get_default(call_default_factory=True)


class _Workers(_Lenient):
    forwarders: tuple[Count, Count] | None = None
    gates: tuple[Count, Count] | None = None


class _Engine(_Lenient):
    well: bool | None = None
    seconds: Amount | None = None
    failed: Annotated[float, Field(ge=0, le=1)] | None = None


class _Limits(_Lenient):
    alone: bool | None = None
    refused: Amount | None = None
    accounts: Annotated[tuple[tuple[Text, Amount], ...], Field(max_length=_MOST)] = ()


class _Order(_Lenient):
    by: Text = ""
    reason: Text = ""


class _Act(BaseModel):
    at: Moment
    name: Text
    whom: Text
    cause: Text
    automatic: bool = True


class Report(_Lenient):
    """A state, as far as people are shown it; see `pages.state_of`. Times are by the clock of its host."""

    at: Moment | None = None
    state: Text = "unknown"
    cause: Text = ""
    since: Moment | None = None
    well: bool | None = None
    bad: Names = ()
    suspect: Names = ()
    hold: _Order | None = None
    recommends: Names = ()
    faults: Annotated[dict[Text, Text], Field(max_length=_MOST)] = {}
    bypassed: Annotated[dict[Text, Moment], Field(max_length=_MOST)] = {}
    acts: Annotated[tuple[_Act, ...], Field(max_length=_MOST)] = ()
    queues: Annotated[dict[Text, Amount], Field(max_length=_MOST)] = {}
    workers: _Workers = _Workers()
    engines: Annotated[dict[Text, _Engine], Field(max_length=_MOST)] = {}
    limits: _Limits | None = None

    def host(
        self, name: str, heard_seconds: float | None, curves: Mapping[str, Points], *, active: bool
    ) -> Host:
        """What the page shows of host `name`; `curves` are its inbound, outbound and canary."""
        return Host(
            name,
            heard_seconds=heard_seconds,
            phase=self.state if active else OUT_OF_SERVICE,
            cause=self.cause,
            since_seconds=self._ago(self.since),
            well=self.well,
            bad=self.bad,
            suspect=self.suspect,
            hold=": ".join(filter(None, (self.hold.by, self.hold.reason))) if self.hold else "",
            recommends=self.recommends,
            faults=self.faults,
            forwarders=self.workers.forwarders,
            gates=self.workers.gates,
            engines=tuple(self._engine(engine, seen) for engine, seen in self.engines.items()),
            limits=Limits(**dict(self.limits)) if self.limits else None,
            **curves,
        )

    def done(self, host: str) -> list[Act]:
        """What the agent of `host` did."""
        return [
            Act(datetime.fromtimestamp(act.at, UTC), host, act.name, act.whom, act.cause, act.automatic)
            for act in self.acts
        ]

    def _ago(self, moment: float | None) -> float | None:
        return None if self.at is None or moment is None else max(0.0, self.at - moment)

    def _engine(self, name: str, seen: _Engine) -> Engine:
        until = self.bypassed.get(name)
        left = None if until is None or self.at is None else until - self.at
        out_seconds = left if left is not None and left > 0 else None
        return Engine(name, seen.well, seen.seconds, seen.failed, out_seconds)
