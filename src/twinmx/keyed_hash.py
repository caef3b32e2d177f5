"""Short keyed hashes over text that passes through strangers' hands: only we can have made one."""

import base64
import hashlib
import hmac
from collections.abc import Iterable

from twinmx.addresses import fold

_LENGTH = 8


def keyed_hash(key: bytes, *parts: str) -> str:
    """Return 40 bits of HMAC-SHA256 over `parts`, in base32: 8 letters and digits.

    The case of the parts does not count, since some programs fold it on the way.
    """
    text = "\0".join(fold(part) for part in parts).encode("utf-8", "surrogateescape")
    digest = hmac.new(key, text, hashlib.sha256).digest()
    return base64.b32encode(digest)[:_LENGTH].decode().lower()


def is_ours(given: str, keys: Iterable[bytes], *parts: str) -> bool:
    """Say whether `given` was made from `parts` with one of `keys`."""
    offered = given.lower().encode("utf-8", "surrogateescape")
    return any(hmac.compare_digest(keyed_hash(key, *parts).encode(), offered) for key in keys)
