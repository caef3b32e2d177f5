"""What the canary counts; `via` is the exchanger through which a message went."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from twinmx.canary.token import LETTERS, Letter

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)


class CanaryMetrics:
    """The metrics of the program; counters of every exchanger in `vias` begin at 0."""

    def __init__(self, registry: CollectorRegistry, vias: Iterable[str]) -> None:
        self._sent = _counter(registry, "sent", "Messages handed over")
        self._arrived = _counter(registry, "arrived", "Messages that came back in time")
        self._lost = _counter(registry, "lost", "Messages handed over that did not come back in time")
        self._refused = _counter(registry, "refused", "Messages that could not be handed over")
        self._wrong = Counter(
            "twinmx_canary_verdict_wrong",
            "Ham that was refused or marked as spam, and spam (GTUBE) that was accepted",
            ["via", "letter"],
            registry=registry,
        )
        self._delay = Histogram(
            "twinmx_canary_delay_seconds",
            "Seconds from the beginning of the session to the arrival",
            ["via"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._last_delay = Gauge(
            "twinmx_canary_last_delay_seconds", "The same, of the last arrival", ["via"], registry=registry
        )
        self._last_arrival = Gauge(
            "twinmx_canary_last_arrival_timestamp_seconds",
            "When the last message came back; absent where none has since the start",
            ["via"],
            registry=registry,
        )
        self._waiting = Gauge(
            "twinmx_canary_waiting_seconds",
            "Age of the oldest message under way and not yet lost; 0 without one",
            ["via"],
            registry=registry,
        )
        for via in vias:
            for counter in (self._sent, self._arrived, self._lost, self._refused):
                counter.labels(via)
            for letter in LETTERS:
                self._wrong.labels(via, letter)
            self._delay.labels(via)

    def sent(self, via: str) -> None:
        """Count a message that was accepted."""
        self._sent.labels(via).inc()

    def refused(self, via: str) -> None:
        """Count a message that was not."""
        self._refused.labels(via).inc()

    def lost(self, via: str) -> None:
        """Count a message that was waited for long enough."""
        self._lost.labels(via).inc()

    def arrived(self, via: str, seconds: float) -> None:
        """Count a message that came back."""
        self._arrived.labels(via).inc()
        self._delay.labels(via).observe(seconds)
        self._last_delay.labels(via).set(seconds)
        self._last_arrival.labels(via).set_to_current_time()

    def wrong(self, via: str, letter: Letter) -> None:
        """Count a verdict that was not the one for this letter."""
        self._wrong.labels(via, letter).inc()

    def waiting(self, via: str, seconds: Callable[[], float]) -> None:
        """Have `seconds` asked for each reading."""
        self._waiting.labels(via).set_function(seconds)


def _counter(registry: CollectorRegistry, name: str, says: str) -> Counter:
    return Counter(f"twinmx_canary_{name}", says, ["via"], registry=registry)
