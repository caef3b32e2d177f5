"""The spam chain's table in the settings of a program."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, IPvAnyAddress, model_validator

from twinmx.program.settings import Port, Seconds, Table
from twinmx.spam.overrides import DEFAULT_PATH

EngineName = Literal["rspamd", "spamassassin"]
Concurrency = Annotated[int, Field(ge=1, le=1000)]


class Rspamd(Table):
    """Rspamd's normal worker: a `url` (http://address:port) or a unix `socket`, one of the two.

    `concurrency` is the number of messages that this process shows it at once.
    """

    url: str | None = Field(default=None, pattern=r"^https?://[^/]+/?$")
    socket: Path | None = None
    budget_seconds: Seconds
    concurrency: Concurrency = 50

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.socket is None):
            raise ValueError("give url or socket, one of the two")
        return self


class SpamAssassin(Table):
    """SpamAssassin's spamd; `concurrency` as for Rspamd."""

    address: IPvAnyAddress
    port: Port
    budget_seconds: Seconds
    concurrency: Concurrency = 5


class Breaker(Table):
    """How many failures in a row take an engine out, and the longest time between two tries of it then."""

    failures: int = Field(default=5, ge=1, le=1000)
    open_seconds: Seconds = 30.0


class Spam(Table):
    """The spam chain.

    `engines` gives the order, and may be empty. From `reject_score` on a message is spam.
    Engines see the first `max_scan_bytes` of a message. `overrides` is the file of the operator's orders.
    """

    engines: tuple[EngineName, ...]
    total_seconds: Seconds
    reject_score: float = Field(gt=0, allow_inf_nan=False)
    max_scan_bytes: int = Field(ge=4096, le=1 << 30)
    rspamd: Rspamd | None = None
    spamassassin: SpamAssassin | None = None
    breaker: Breaker = Breaker()
    overrides: Path = DEFAULT_PATH

    @model_validator(mode="after")
    def _engines_fit(self) -> Self:
        if len(set(self.engines)) != len(self.engines):
            raise ValueError(f"engines names one twice: {', '.join(self.engines)}")
        for name in self.engines:
            table = self.rspamd if name == "rspamd" else self.spamassassin
            if table is None:
                raise ValueError(f"engines names {name}, so a table [spam.{name}] is needed")
            if table.budget_seconds >= self.total_seconds:
                raise ValueError(
                    f"{name}.budget_seconds {table.budget_seconds:g} must be less than"
                    f" total_seconds {self.total_seconds:g}"
                )
        return self

    def engine(self, name: EngineName) -> Rspamd | SpamAssassin:
        """Return the table of an engine that `engines` names."""
        table = self.rspamd if name == "rspamd" else self.spamassassin
        assert table is not None
        return table
