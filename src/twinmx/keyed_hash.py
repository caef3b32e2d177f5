"""Short keyed hashes over text that passes through strangers' hands: only we can have made one."""

import hmac
from collections.abc import Iterable

from twinmx.addresses import fold

_BYTES = 5
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""Ten bits in base32; the standard library's encoder takes longer than the hash."""


def keyed_hash(key: bytes, *parts: str) -> str:
    """Return 40 bits of HMAC-SHA256 over `parts`, in base32: 8 letters and digits.

    The case of the parts does not count, since some programs fold it on the way.
    """
    text = "\0".join(fold(part) for part in parts).encode("utf-8", "surrogateescape")
    bits = int.from_bytes(hmac.digest(key, text, "sha256")[:_BYTES], "big")
    return _PAIRS[bits >> 30] + _PAIRS[bits >> 20 & 1023] + _PAIRS[bits >> 10 & 1023] + _PAIRS[bits & 1023]


def is_ours(given: str, keys: Iterable[bytes], *parts: str) -> bool:
    """Say whether `given` was made from `parts` with one of `keys`."""
    offered = given.lower().encode("utf-8", "surrogateescape")
    return any(hmac.compare_digest(keyed_hash(key, *parts).encode(), offered) for key in keys)
