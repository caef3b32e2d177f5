"""The settings of twinmx-vitals: one TOML file, every key typed, unknown ones refused."""

from pathlib import Path

from twinmx.program.settings import Domain, Metrics, Seconds, Table

SETTINGS = Path("/etc/twinmx/vitals.toml")


class Rspamd(Table):
    """The unix socket of Rspamd's controller."""

    socket: Path


class Resolver(Table):
    """What the resolver of this host is asked for: the MX of `domain`."""

    domain: Domain


class Settings(Table):
    """Everything the program is told; each period it looks at everything, and waits no longer than it."""

    period_seconds: Seconds
    rspamd: Rspamd
    resolver: Resolver
    metrics: Metrics
