"""The one call that puts a program's spam chain together."""

from prometheus_client import CollectorRegistry

from twinmx.spam.chain import SpamChain
from twinmx.spam.engine import Engine
from twinmx.spam.guard import GuardedEngine
from twinmx.spam.metrics import SpamMetrics
from twinmx.spam.overrides import Watched
from twinmx.spam.rspamd import RspamdEngine
from twinmx.spam.settings import EngineName, Spam
from twinmx.spam.settings import Rspamd as RspamdSettings
from twinmx.spam.spamassassin import SpamAssassinEngine


def chain_of(spam: Spam, registry: CollectorRegistry) -> SpamChain:
    """Return the chain that `spam` describes, with its metrics in `registry`. Close it at the end."""
    metrics = SpamMetrics(registry)
    guards = [
        GuardedEngine(
            _engine(name, spam),
            concurrency=spam.engine(name).concurrency,
            failures=spam.breaker.failures,
            open_seconds=spam.breaker.open_seconds,
            reject_score=spam.reject_score,
            metrics=metrics,
        )
        for name in spam.engines
    ]
    return SpamChain(
        guards,
        total_seconds=spam.total_seconds,
        max_scan_bytes=spam.max_scan_bytes,
        overrides=Watched(spam.overrides, metrics.overrides_damaged.set),
        metrics=metrics,
    )


def _engine(name: EngineName, spam: Spam) -> Engine:
    settings = spam.engine(name)
    if isinstance(settings, RspamdSettings):
        return RspamdEngine(budget_seconds=settings.budget_seconds, url=settings.url, socket=settings.socket)
    return SpamAssassinEngine(
        budget_seconds=settings.budget_seconds, address=str(settings.address), port=settings.port
    )
