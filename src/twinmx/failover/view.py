"""What an agent sees in one period: the judged evidence that its decisions rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from twinmx.failover.mx import Order


@dataclass(frozen=True)
class Peer:
    """Another exchanger.

    fresh: its agent has answered in this period. fit: it said that it would promise. claims: whom it says to
    have demoted. silent: it has answered neither on the peer link nor on port 25 for its number of periods.
    """

    fresh: bool = False
    fit: bool = False
    claims: frozenset[str] = frozenset()
    silent: bool = False


@dataclass(frozen=True)
class View:
    """One period's evidence about this host, its peers, and DNS.

    bad: drain rules that have been bad for their number of periods. suspect: those and the ones that are bad
    right now. good_for: periods in a row without a suspect. engines: whether each spam engine in use answers
    well, None where that cannot be said. dns: the order of the hosts by domain, None where it is not known.
    """

    bad: frozenset[str] = frozenset()
    suspect: frozenset[str] = frozenset()
    good_for: int = 0
    queue_empty: bool = False
    peers: Mapping[str, Peer] = field(default_factory=dict)
    engines: Mapping[str, bool | None] = field(default_factory=dict)
    dns: Mapping[str, Order | None] = field(default_factory=dict)
