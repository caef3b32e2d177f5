"""The forwarder's settings: one TOML file, every key typed, unknown ones refused.

The deadlines form a chain, each shorter than the one around it; a file that breaks the chain is
refused. Keys for signing are no settings: they come as a systemd credential, see `program.credentials`.
"""

from pathlib import Path
from typing import Self

from pydantic import Field, IPvAnyAddress, IPvAnyNetwork, field_validator, model_validator

from twinmx.aliases.database.settings import Server, Timing
from twinmx.limits.settings import Limits
from twinmx.program.settings import Aliases, Domain, Metrics, Port, Seconds, Table
from twinmx.spam.settings import Spam
from twinmx.srs import MAX_AGE_LIMIT_DAYS

SETTINGS = Path("/etc/twinmx/forwarder.toml")


class Listen(Table):
    """Where Postfix of this host and of the peer reach the forwarder.

    `max_message_size` is in bytes and at least that of the inbound Postfix; `idle_seconds` is the
    silence after which a session is closed. `max_bytes_in_hand` is for all messages that a worker has at
    once; each may be in memory several times.
    """

    addresses: tuple[IPvAnyAddress, ...] = Field(min_length=1)
    port: Port
    clients: tuple[IPvAnyNetwork, ...] = Field(min_length=1)
    max_message_size: int = Field(ge=65536, le=1 << 30)
    max_bytes_in_hand: int = Field(ge=65536, le=1 << 34)
    max_connections: int = Field(ge=1, le=10000)
    idle_seconds: Seconds


class Reinject(Table):
    """postfix-out: connections kept per worker, and seconds for one transaction."""

    address: IPvAnyAddress
    port: Port
    connections: int = Field(ge=1, le=1000)
    seconds: Seconds


class Peers(Table):
    """The forwarders of the other exchangers, on our port, and how long telling them something may take."""

    addresses: tuple[IPvAnyAddress, ...]
    seconds: Seconds


class SrsSettings(Table):
    """Sender rewriting: how long a bounce may take, which domains are ours, where Postfix asks."""

    max_age_days: int = Field(ge=1, le=MAX_AGE_LIMIT_DAYS)
    socketmap_port: Port
    domains: frozenset[Domain] = Field(min_length=1)


class Quarantine(Table):
    """Where spam goes that was accepted before it was found."""

    directory: Path


class Delivered(Table):
    """Where is kept which mailboxes have a message that others behind the same alias have not."""

    directory: Path


class Drain(Table):
    """Where the failover agent says that this host is drained."""

    directory: Path


class Question(Table):
    """The database that is asked; `timing` as its follower has it."""

    database: Server
    timing: Timing


class Alone(Table):
    """What a worker does for each message alone, before it handles it; only to replay 2021.

    It takes so many seconds, and with `question` asks the database.
    """

    seconds: float = Field(ge=0, le=600)
    question: Question | None = None


class Deadline(Table):
    """Seconds for one message, from its last byte to our reply, and how long Postfix waits for that.

    `postfix_seconds` is the `smtp_data_done_timeout` of the transport that brings the mail.
    """

    total_seconds: Seconds
    postfix_seconds: Seconds

    @property
    def grace_seconds(self) -> float:
        """What may be spent beyond the total on an end that is near: half of what Postfix waits longer."""
        return (self.postfix_seconds - self.total_seconds) / 2


class Settings(Table):
    """Everything the forwarder is told; `host` is the name it gives itself.

    With `limits` it defers what is over them (the incident of June 2021); without, the gate has refused it.
    With `alone` a worker handles one message at a time; without, as many as come.
    `canaries`: the aliases of the canary, whose mail counts for no user.
    """

    host: Domain
    canaries: frozenset[str] = frozenset()
    listen: Listen
    metrics: Metrics
    reinject: Reinject
    peers: Peers
    aliases: Aliases
    srs: SrsSettings
    spam: Spam
    quarantine: Quarantine
    drain: Drain
    delivered: Delivered
    deadline: Deadline
    limits: Limits | None = None
    alone: Alone | None = None

    @field_validator("limits")
    @classmethod
    def _limits_defer(cls, limits: Limits | None) -> Limits | None:
        if limits is not None and limits.answer not in (450, 421):
            raise ValueError(f"answer {limits.answer} belongs to the gate; allowed here: 450 or 421")
        return limits

    @model_validator(mode="after")
    def _deadlines_nest(self) -> Self:
        total = self.deadline.total_seconds
        parts = self.spam.total_seconds + self.reinject.seconds + self.peers.seconds
        if parts > total:
            raise ValueError(
                f"deadline.total_seconds {total:g} must be at least spam.total_seconds +"
                f" reinject.seconds + peers.seconds, which is {parts:g}"
            )
        if total >= self.deadline.postfix_seconds:
            raise ValueError(
                f"deadline.total_seconds {total:g} must be less than"
                f" deadline.postfix_seconds {self.deadline.postfix_seconds:g}"
            )
        return self
