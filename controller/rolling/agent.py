"""What the failover agent of an exchanger says of it, as far as a converge has to know."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twinmx.failover.state import CLOSED

REASON = "twinmx converge"
"""What a drain that is ours is known by, also to the next run."""


class Order(BaseModel):
    """A drain that an operator, or a converge, has ordered."""

    by: str
    reason: str = ""


class Agent(BaseModel):
    """absent: there is none yet. silent: it is installed, and does not answer. The others are its phases.

    active: in service by the inventory that it was given. suspect: what is bad at this moment. promised: to
    whom it has promised to stay, until when; `at` is its own time. Both in seconds since 1970.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    state: Literal["absent", "silent", "active", "draining", "drained", "returning"]
    active: bool = True
    well: bool | None = None
    suspect: tuple[str, ...] = ()
    promises: bool = False
    cause: str = ""
    order: Order | None = None
    at: float = 0.0
    promised: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def read(cls, said: str) -> Self:
        """The answer of `roles.lib.agents.ASK`: JSON, `{}` of a host without an agent."""
        if said.strip() == "{}":
            return cls(state="absent")
        try:
            return cls.model_validate_json(said)
        except ValidationError:
            return cls(state="silent")

    @property
    def closed(self) -> bool:
        """Whether it is drained, or on its way."""
        return self.state in CLOSED

    @property
    def ours(self) -> bool:
        """Whether a converge has drained it."""
        return self.closed and self.order is not None and self.order.reason.startswith(REASON)

    @property
    def carries(self) -> bool:
        """Whether it carries mail, is well, and would promise to stay."""
        return self.state == "active" and self.active and self.promises

    @property
    def relied_on(self) -> str:
        """Who holds a promise of it, which keeps it from being drained, also a while after their return."""
        return ", ".join(name for name, until in self.promised.items() if until > self.at)

    @property
    def why_not(self) -> str:
        """Why it does not carry the mail, in words."""
        if self.state == "absent":
            return "it is no exchanger yet"
        if self.state == "silent":
            return "its failover agent does not answer"
        if not self.active:
            return "it is out of service by the inventory"
        if self.state != "active":
            return f"it is {self.state}{f' ({self.cause})' if self.cause else ''}"
        return f"it is not well: {', '.join(self.suspect)}" if self.suspect else "it makes no promise now"
