"""The resolver on each exchanger: whom it asks, and whose signatures (DNSSEC) it begins with."""

from inventory.knob import AnyHostAddress, FilePath, Settings, knob


class Resolver(Settings):
    """The validating resolver of each exchanger, on loopback. DANE for outgoing mail needs it."""

    forward_to: tuple[AnyHostAddress, ...] = knob(
        (),
        says="Resolvers that it asks, which must hand on signatures; none, and it asks the name servers of "
        "the Internet itself, which block lists want.",
    )
    root_anchor: bool = knob(
        True, says="Validate from the root's key. No is for networks without the Internet's DNS."
    )
    anchors: FilePath | None = knob(
        None, says="File on the controller with further DNSKEY or DS records to validate from, a line each."
    )
    cache_seconds: int = knob(
        86_400, ge=0, le=604_800, says="How long an answer is kept at most, whatever its TTL.", unit="seconds"
    )
    stale_seconds: int = knob(
        86_400,
        ge=0,
        le=604_800,
        says="How long an answer that has run out is still given while nobody answers anew (RFC 8767): mail "
        "to known destinations goes on while DNS is away. 0 for never.",
        unit="seconds",
    )
