"""What `mxctl status` has found out: the shape of its JSON. None, null in JSON, is what did not answer.

Times are seconds since 1970, as the agents tell them; ages and delays are seconds.
"""

from pydantic import BaseModel


class Order(BaseModel):
    """What an operator ordered; `until` None: until it is taken back."""

    by: str = ""
    reason: str = ""
    until: float | None = None


class EngineOrder(Order):
    """An order about a spam engine: `skip` or `use` (first)."""

    act: str


class Act(BaseModel):
    """What an agent did; `automatic` where nobody ordered it."""

    at: float
    host: str = ""
    name: str
    whom: str
    cause: str
    automatic: bool = True


class AgentState(BaseModel):
    """What we need of an agent's /state."""

    state: str
    cause: str
    since: float
    mode: str
    active: bool
    well: bool
    bad: list[str]
    suspect: list[str]
    hold: Order | None
    order: Order | None
    recommends: list[str]
    faults: dict[str, str]
    demoted: list[str]
    bypassed: dict[str, float]


class Told(AgentState):
    """An agent's /state with what the report has elsewhere."""

    mx: dict[str, dict[str, int]] = {}
    acts: list[Act] = []


class Workers(BaseModel):
    """How many say that they are well, of how many."""

    up: int
    of: int


class Queue(BaseModel):
    """Messages in an instance of Postfix; `oldest_seconds` of them all, `read_age_seconds` of the figures."""

    incoming: int
    active: int
    deferred: int
    hold: int
    oldest_seconds: float
    read_age_seconds: float

    @property
    def waiting(self) -> int:
        """All that would be delivered if it could."""
        return self.incoming + self.active + self.deferred


class Way(BaseModel):
    """The canary's messages through an exchanger: of the last `known`, so many were `lost`.

    last_seconds: the delay of the last one; None where it was lost, or none is known.
    """

    last_seconds: float | None
    known: int
    lost: int
    waiting_seconds: float


class Breakers(BaseModel):
    """Workers by what their breaker of an engine does."""

    closed: int = 0
    open: int = 0
    half_open: int = 0

    @property
    def all(self) -> int:
        """Workers that told."""
        return self.closed + self.open + self.half_open


class Engine(BaseModel):
    """A spam engine on a host, in the order of asking.

    bypassed_until: its agent has taken it out. order: an operator's; known of the host that was asked only.
    """

    name: str
    breakers: Breakers
    bypassed_until: float | None
    order: EngineOrder | None


class Limits(BaseModel):
    """Workers that count by themselves, without Valkey, of those that told."""

    local: int
    of: int


class Snapshot(BaseModel):
    """The alias snapshot; source_age_seconds: since the database was last read (None without one)."""

    aliases: int
    age_seconds: float
    source_age_seconds: float | None


class HostReport(BaseModel):
    """One exchanger; `canary` by the exchanger through which its messages went."""

    fqdn: str
    agent: AgentState | None
    forwarders: Workers
    gates: Workers
    queues: dict[str, Queue] | None
    canary: dict[str, Way] | None
    engines: list[Engine]
    limits: Limits | None
    snapshot: Snapshot | None

    @property
    def silent(self) -> bool:
        """Whether nothing of it has answered."""
        nothing = self.agent is None and self.queues is None and self.canary is None
        return nothing and self.forwarders.up == self.gates.up == 0 and self.snapshot is None


class Report(BaseModel):
    """Both hosts as `host` sees them, at `at`; `wrong` is a sentence for each thing that is not well."""

    at: float
    host: str
    well: bool = False
    wrong: list[str] = []
    mx: dict[str, dict[str, int]]
    hosts: dict[str, HostReport]
    acts: list[Act]
