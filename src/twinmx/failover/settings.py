"""The agent's settings: /etc/twinmx/failover.toml. Keys are credentials: the SRS keys, and TSIG's secret."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, IPvAnyAddress, model_validator

from twinmx.failover.policy import Policy
from twinmx.program.settings import Domain, Metrics, Port, Seconds, Table
from twinmx.spam.settings import EngineName

SETTINGS = Path("/etc/twinmx/failover.toml")
TSIG_CREDENTIAL = "tsig"

Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]
Percent = Annotated[float, Field(gt=0, le=100)]
Long = Annotated[float, Field(gt=0, le=86400)]


class Host(Table):
    """An exchanger: its name in the MX, the address of its programs, its preference by the inventory."""

    name: Name
    fqdn: Domain
    address: IPvAnyAddress
    preference: int = Field(ge=0, le=65535)
    active: bool


class Local(Table):
    """The programs of this host: how many workers, and where each one's port numbers begin."""

    forwarders: Count
    forwarders_base: Port
    gates: Count
    gates_base: Port
    queues_port: Port
    canary_port: Port
    engines: tuple[EngineName, ...]
    overrides: Path


class Timing(Table):
    """See inventory/failover.py; `patience_seconds` is the longest wait for any one answer."""

    minimum_seconds: Long
    period_seconds: Seconds
    good_periods: Count
    lease_seconds: Long
    drain_seconds: Long
    patience_seconds: Seconds

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.lease_seconds < 4 * self.period_seconds:
            raise ValueError(f"lease_seconds {self.lease_seconds:g} must be at least four periods")
        if self.patience_seconds >= self.period_seconds:
            raise ValueError(f"patience_seconds {self.patience_seconds:g} must be less than a period")
        return self


class Rule(Table):
    """For how many periods in a row it must be bad."""

    periods: Count


class Canary(Rule):
    """A message that takes longer than `seconds` is as good as lost."""

    seconds: Long


class Pending(Rule):
    """More than so many messages that have waited for over a minute."""

    messages: Count


class Deferrals(Rule):
    """Of so many deliveries in a window or more, so large a share deferred, and the peer's is below half."""

    share_percent: Percent
    deliveries: Count
    peer_deliveries: Count
    window_seconds: Long


class Disk(Rule):
    """Less than this is free where a queue is."""

    free_bytes: Count
    free_inodes: Count


class Engine(Rule):
    """Of at least so many questions in a window, so large a share not answered; left out for so long then."""

    share_percent: Percent
    scans: Count
    window_seconds: Long
    bypass_seconds: Long


class Rules(Table):
    """The thresholds of every rule."""

    forwarders: Rule
    gates: Rule
    postfix: Rule
    canary: Canary
    pending: Pending
    deferrals: Deferrals
    disk: Disk
    engine: Engine
    peer: Rule


class Dns(Table):
    """The server that takes updates of the MX of `domains` (RFC 2136), and the key that signs them."""

    server: IPvAnyAddress
    port: Port
    key_name: str
    key_algorithm: Literal["hmac-sha256", "hmac-sha512"]
    ttl: int = Field(ge=1, le=86400)
    domains: tuple[Domain, ...] = Field(min_length=1)


class Places(Table):
    """Where it keeps what it must remember, and what may vanish with a boot."""

    state: Path
    runtime: Path


class Settings(Table):
    """Everything the agent is told. `hosts` are all exchangers in MX order, `name` is this one.

    Port 25 of a drained host stays open for `exempt`: the exchangers, whose canaries go on.
    """

    name: Name
    mode: Literal["auto", "manual"]
    hosts: tuple[Host, ...] = Field(min_length=1)
    exempt: tuple[IPvAnyAddress, ...]
    metrics: Metrics
    local: Local
    timing: Timing
    rules: Rules
    places: Places
    dns: Dns | None = None

    @model_validator(mode="after")
    def _hosts_fit(self) -> Self:
        names = [host.name for host in self.hosts]
        if self.name not in names or len(set(names)) < len(names):
            raise ValueError(
                f"hosts must name each exchanger once, {self.name} among them: {', '.join(names)}"
            )
        if [host.preference for host in self.hosts] != sorted({host.preference for host in self.hosts}):
            raise ValueError("hosts must be in the order of their preferences, which differ")
        return self

    @property
    def me(self) -> Host:
        """This host."""
        return next(host for host in self.hosts if host.name == self.name)

    @property
    def peers(self) -> tuple[Host, ...]:
        """The other exchangers, in MX order."""
        return tuple(host for host in self.hosts if host.name != self.name)

    @property
    def smtp_port(self) -> int:
        """Where exchangers take mail."""
        return 25

    @property
    def port(self) -> int:
        """Where every agent answers; there is one on a host."""
        return self.metrics.port_base + 1

    @property
    def policy(self) -> Policy:
        """What the machine decides by."""
        timing = self.timing
        return Policy(
            name=self.name,
            hosts=tuple(host.name for host in self.hosts),
            domains=self.dns.domains if self.dns else (),
            active=self.me.active,
            mode=self.mode,
            minimum_seconds=timing.minimum_seconds,
            period_seconds=timing.period_seconds,
            good_periods=timing.good_periods,
            lease_seconds=timing.lease_seconds,
            drain_seconds=timing.drain_seconds,
            bypass_seconds=self.rules.engine.bypass_seconds,
        )
