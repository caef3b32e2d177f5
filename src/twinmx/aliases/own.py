"""Aliases of the exchange itself (the canary's): in every snapshot, and in no source."""

from collections.abc import Iterable, Iterator, Mapping
from heapq import merge

from twinmx.aliases.model import Alias


def own_aliases(mailboxes: Mapping[str, str]) -> tuple[Alias, ...]:
    """The aliases that lead to these mailboxes, sorted by address."""
    return tuple(Alias(address, (mailbox,)) for address, mailbox in sorted(mailboxes.items()))


def with_own(source: Iterable[Alias], own: Iterable[Alias]) -> Iterator[Alias]:
    """`source` and `own`, both sorted by address, as one; where both have an address, `own` has the say."""
    ours = {alias.address: alias for alias in own}
    theirs = (alias for alias in source if alias.address not in ours)
    return merge(theirs, ours.values(), key=lambda alias: alias.address)
