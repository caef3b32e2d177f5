"""Settings of the follower: /etc/twinmx/aliases.toml."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from twinmx.program.settings import Aliases, Domain, Metrics, Port, Seconds, Table

SETTINGS = Path("/etc/twinmx/aliases.toml")
CREDENTIAL = "database"
PASSWORDS_FILE = Path("/etc/twinmx/credentials/database")

Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]


class Server(Table):
    """Which database, and as whom. host: the name in its certificate, signed by what `authority` holds."""

    host: Domain
    port: Port
    name: Name
    user: Name
    authority: Path


class Timing(Table):
    """poll: the longest time between two looks. connect, statement: the longest wait for the server."""

    poll_seconds: Seconds
    connect_seconds: Seconds
    statement_seconds: Seconds


class Settings(Table):
    """All settings of the follower; `canaries`: aliases of the exchange's own, and where each leads."""

    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]
    canaries: dict[str, str] = Field(default_factory=dict)
    database: Server
    timing: Timing
    aliases: Aliases
    metrics: Metrics
