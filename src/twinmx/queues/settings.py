"""Settings of what reads the queues: /etc/twinmx/queues.toml, also for `mxctl queue` and `mxctl requeue`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from twinmx.addresses import fold
from twinmx.program.settings import Aliases, Metrics, Seconds, Table

SETTINGS = Path("/etc/twinmx/queues.toml")

InstanceName = Literal["in", "out"]


class Instance(Table):
    """A Postfix instance: where main.cf is, where its queues are, and its syslog_name (postconf(5))."""

    config_directory: Path
    queue_directory: Path
    syslog_name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]


class Timing(Table):
    """interval: from one reading of a queue to the next. read: how long one reading may take."""

    interval_seconds: Seconds
    read_seconds: Seconds


class Log(Table):
    """ignore: deliveries to these addresses are nobody's mail, and not measured."""

    ignore: frozenset[Annotated[str, AfterValidator(fold)]]


class Settings(Table):
    """Everything that is told about the queues of this host."""

    instances: dict[InstanceName, Instance] = Field(min_length=1)
    timing: Timing
    log: Log
    aliases: Aliases
    metrics: Metrics
