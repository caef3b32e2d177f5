"""The forwarder's settings: one TOML file, every key typed, unknown ones refused.

The deadlines form a chain, each shorter than the one around it; a file that breaks the chain is
refused. Keys for signing are no settings: they come as a systemd credential, see `keys`.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyAddress,
    IPvAnyNetwork,
    ValidationError,
    model_validator,
)

from twinmx.addresses import domain_fault, fold
from twinmx.srs import MAX_AGE_LIMIT_DAYS


class SettingsError(Exception):
    """A settings file that is not accepted; the message has a line for each fault."""


def _domain(value: str) -> str:
    if fault := domain_fault(value):
        raise ValueError(fault)
    return fold(value)


Domain = Annotated[str, AfterValidator(_domain)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]
EngineName = Literal["rspamd", "spamassassin"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Table):
    """Where Postfix of this host and of the peer reach the forwarder.

    `max_message_size` is in bytes and at least that of the inbound Postfix; `idle_seconds` is the
    silence after which a session is closed.
    """

    addresses: tuple[IPvAnyAddress, ...] = Field(min_length=1)
    port: Port
    clients: tuple[IPvAnyNetwork, ...] = Field(min_length=1)
    max_message_size: int = Field(ge=65536, le=1 << 30)
    max_connections: int = Field(ge=1, le=10000)
    idle_seconds: Seconds


class Metrics(_Table):
    """Worker N serves /metrics and /healthz at `port_base` + N."""

    address: IPvAnyAddress
    port_base: Port


class Reinject(_Table):
    """postfix-out: connections kept per worker, and seconds for one transaction."""

    address: IPvAnyAddress
    port: Port
    connections: int = Field(ge=1, le=1000)
    seconds: Seconds


class Aliases(_Table):
    """The snapshot file."""

    snapshot: Path


class SrsSettings(_Table):
    """Sender rewriting: how long a bounce may take, which domains are ours, where Postfix asks."""

    max_age_days: int = Field(ge=1, le=MAX_AGE_LIMIT_DAYS)
    socketmap_port: Port
    domains: frozenset[Domain] = Field(min_length=1)


class Rspamd(_Table):
    """Rspamd's normal worker: a `url` (http://address:port) or a unix `socket`, one of the two."""

    url: str | None = Field(default=None, pattern=r"^https?://[^/]+/?$")
    socket: Path | None = None
    budget_seconds: Seconds

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.socket is None):
            raise ValueError("give url or socket, one of the two")
        return self


class SpamAssassin(_Table):
    """SpamAssassin's spamd."""

    address: IPvAnyAddress
    port: Port
    budget_seconds: Seconds


class Spam(_Table):
    """The spam chain.

    `engines` gives the order, and may be empty. From `reject_score` on a message is quarantined.
    Engines see the first `max_scan_bytes` of a message.
    """

    engines: tuple[EngineName, ...]
    total_seconds: Seconds
    reject_score: float = Field(gt=0, allow_inf_nan=False)
    quarantine: Path
    max_scan_bytes: int = Field(ge=4096, le=1 << 30)
    rspamd: Rspamd | None = None
    spamassassin: SpamAssassin | None = None

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


class Deadline(_Table):
    """Seconds for one message, from its last byte to our reply, and how long Postfix waits for that.

    `postfix_seconds` is the `smtp_data_done_timeout` of the transport that brings the mail.
    """

    total_seconds: Seconds
    postfix_seconds: Seconds


class Settings(_Table):
    """Everything the forwarder is told; `host` is the name it gives itself."""

    host: Domain
    listen: Listen
    metrics: Metrics
    reinject: Reinject
    aliases: Aliases
    srs: SrsSettings
    spam: Spam
    deadline: Deadline

    @model_validator(mode="after")
    def _deadlines_nest(self) -> Self:
        total, parts = self.deadline.total_seconds, self.spam.total_seconds + self.reinject.seconds
        if parts > total:
            raise ValueError(
                f"deadline.total_seconds {total:g} must be at least spam.total_seconds +"
                f" reinject.seconds, which is {parts:g}"
            )
        if total >= self.deadline.postfix_seconds:
            raise ValueError(
                f"deadline.total_seconds {total:g} must be less than"
                f" deadline.postfix_seconds {self.deadline.postfix_seconds:g}"
            )
        return self


def load_settings(path: Path) -> Settings:
    """Read `path`; raises `SettingsError` naming each key, its value and what is allowed."""
    try:
        return Settings.model_validate(tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    except ValidationError as error:
        faults = [
            f"{path}: {'.'.join(str(part) for part in fault['loc']) or 'settings'}"
            f"{_shown(fault['input'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise SettingsError("\n".join(faults)) from error


def _shown(value: object) -> str:
    return "" if isinstance(value, dict) else f" = {value!r}"
