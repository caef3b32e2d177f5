"""The canary's settings: one TOML file, every key typed, unknown ones refused.

The keys that sign tokens are credentials, see `program.credentials`.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, IPvAnyAddress, model_validator

from twinmx.program.settings import Domain, Metrics, Port, Seconds, Table

SETTINGS = Path("/etc/twinmx/canary.toml")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,62}$")]


class Listen(Table):
    """Where messages arrive: `greeting` is the name given there, and no Postfix's; `clients` may come."""

    address: IPvAnyAddress
    port: Port
    greeting: Domain
    mailbox: str
    clients: frozenset[IPvAnyAddress] = Field(min_length=1)


class Send(Table):
    """Where messages go: `exchangers` by their short names, all on `port`, from the address `source`.

    `interval_seconds` is the time between two through one exchanger, `gtube_seconds` that between two which
    must be refused.
    """

    source: IPvAnyAddress
    port: Port
    exchangers: dict[Name, IPvAnyAddress] = Field(min_length=1)
    interval_seconds: Seconds
    handover_seconds: Seconds
    lost_after_seconds: Seconds
    gtube_seconds: float = Field(gt=0, le=86_400)

    @model_validator(mode="after")
    def _lost_after_it_was_sent(self) -> Self:
        if self.handover_seconds >= self.lost_after_seconds:
            raise ValueError(
                f"handover_seconds {self.handover_seconds:g} must be less than"
                f" lost_after_seconds {self.lost_after_seconds:g}"
            )
        return self


class Settings(Table):
    """Everything the canary is told: short `name` and full name (`host`) of this exchanger, and its `alias`.

    From `reject_score` on a message is spam.
    """

    name: Name
    host: Domain
    alias: str
    reject_score: float
    listen: Listen
    send: Send
    metrics: Metrics
