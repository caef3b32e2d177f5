"""The limits' table in the settings of a program."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, IPvAnyAddress, model_validator

from twinmx.program.settings import Port, Seconds, Table

SETTINGS = Path("/etc/twinmx/limits.toml")


BOUNCES = 10
"""How many times as many bounces as messages an address takes: a mailing list gets them in heaps."""


class Window(Table):
    """At most `count` messages within any `window_seconds`."""

    count: int = Field(ge=1, le=1_000_000)
    window_seconds: int = Field(ge=1, le=86_400)


def bounces(alias: Window) -> Window:
    """Return the window of bounces to a rewritten sender, where that of an alias is `alias`."""
    return alias.model_copy(update={"count": BOUNCES * alias.count})


class Valkey(Table):
    """Where the windows are: a unix `socket` here, or `address` and `port` of another exchanger with TLS.

    `certificate` (a PEM file) is the one certificate that the other must show.
    A message waits for an answer at most `wait_seconds`.
    """

    socket: Path | None = None
    address: IPvAnyAddress | None = None
    port: Port | None = None
    certificate: Path | None = None
    wait_seconds: Seconds

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        remote = (self.address, self.port, self.certificate)
        given = [part is not None for part in remote]
        if not (all(given) if self.socket is None else not any(given)):
            raise ValueError("give socket, or all of address, port and certificate")
        return self


class Limits(Table):
    """How much an alias and a mailbox may receive, and what a sender is told above that.

    `answer` 550 is given by the gate before the queue; 450 and 421 by the forwarder, after it.
    """

    alias: Window
    mailbox: Window
    answer: Literal[550, 450, 421]
    text: str = Field(pattern=r"^5\.\d{1,3}\.\d{1,3} [ -~]+$", max_length=400)
    valkey: Valkey


class LimitsFile(Table):
    """The settings file that holds nothing but the limits, for `mxctl`."""

    limits: Limits
