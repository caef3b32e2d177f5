"""A limiter for tests: small windows, and a look at what it shows to Prometheus."""

from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry

from twinmx.limits.limiter import Admission, Limiter
from twinmx.limits.settings import Limits, Valkey, Window

ALIAS, OTHER, MAILBOX = "shop@alias.example", "news@alias.example", "ada@mailbox.example"
PASSWORD = "staple-of-many-words"


def settings(socket: Path = Path("/nowhere"), alias: int = 2, mailbox: int = 3, wait: float = 5.0) -> Limits:
    return Limits(
        alias=Window(count=alias, window_seconds=60),
        mailbox=Window(count=mailbox, window_seconds=60),
        answer=550,
        text="5.2.1 Too much",
        valkey=Valkey(socket=socket, wait_seconds=wait),
    )


class LimiterWorld:
    """A limiter and what it shows to Prometheus."""

    def __init__(self, limits: Limits) -> None:
        self.registry = CollectorRegistry()
        self.limiter = Limiter(limits, PASSWORD, self.registry)

    async def admit(self, alias: str = ALIAS, sender: str = "eve@sender.example") -> Admission:
        return await self.limiter.admit(alias, [MAILBOX], account="ada", sender=sender)

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


MakeLimiter = Callable[[Limits], LimiterWorld]
