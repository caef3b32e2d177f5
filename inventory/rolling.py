"""How `twinmx converge` goes from host to host."""

from inventory.knob import Settings, knob


class Rolling(Settings):
    """How `twinmx converge` goes from host to host."""

    out_percent: int = knob(
        34,
        ge=1,
        le=50,
        says="Share of the active exchangers that a converge may have out of service at once; always one, so "
        "a pair goes one by one.",
        unit="percent",
    )
    good_canaries: int = knob(
        2,
        ge=0,
        le=20,
        says="Messages of each canary in a row that must come back through a host before the next one is "
        "touched.",
        unit="messages",
    )
    patience_seconds: int = knob(
        600,
        ge=10,
        le=86_400,
        says="How long a converge waits at each gate: until the others carry the mail, until a host is well, "
        "until its canaries come back. A host that returns by itself needs failover.minimum_seconds.",
        unit="seconds",
    )
