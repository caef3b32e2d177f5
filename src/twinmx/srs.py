"""Sender Rewriting Scheme: envelope senders that pass SPF and still take bounces home.

Source: "The Sender Rewriting Scheme", Shevek (2003), sections on SRS0 and SRS1. Two differences,
both allowed by it since only the rewriting site reads its own hash: the hash is base32 (Postfix and
others may fold the case of an address on the way) and has 8 characters, 40 bits of HMAC-SHA256.

    SRS0=HASH=TT=domain=local@here            first rewriting; TT counts days modulo 1024
    SRS1=HASH=first.domain=REST@here          of an address that was already rewritten elsewhere:
                                              goes straight back to the first site, which checks TT
"""

import re
import time
from collections.abc import Callable, Sequence

from twinmx.addresses import quote, split, unquote
from twinmx.keyed_hash import is_ours, keyed_hash

MIN_KEY_LENGTH = 32
MAX_AGE_LIMIT_DAYS = 1000

_DAY_SECONDS = 86400
_DAYS = 1024
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_SRS = re.compile(r"srs[01][=+-]", re.IGNORECASE)
_SRS0 = re.compile(r"srs0[=+-]([^=]+)=([a-z2-7]{2})=([^=@]+)=(.+)", re.IGNORECASE | re.DOTALL)
_SRS1 = re.compile(r"srs1[=+-]([^=]+)=([^=@]+)=([=+-].+)", re.IGNORECASE | re.DOTALL)


class SrsError(Exception):
    """An SRS address that we do not take back."""


class SrsMalformedError(SrsError):
    """Not of the form SRS0 or SRS1."""


class SrsForgedError(SrsError):
    """The hash was not made with one of our keys."""


class SrsExpiredError(SrsError):
    """Ours, but too old (or dated in the future): no bounce comes that late."""


def is_srs(local: str) -> bool:
    """Say whether a local part claims to be a rewritten sender, whoever made it."""
    return _SRS.match(unquote(local)) is not None


class Srs:
    """Rewrites senders and takes them back. The first key signs; every key verifies (rotation)."""

    def __init__(
        self,
        keys: Sequence[bytes],
        max_age_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not keys or any(len(key) < MIN_KEY_LENGTH for key in keys):
            raise ValueError(f"SRS needs one key or more, each of {MIN_KEY_LENGTH} bytes or more")
        if not 1 <= max_age_days <= MAX_AGE_LIMIT_DAYS:
            raise ValueError(f"SRS age {max_age_days}: allowed are 1 to {MAX_AGE_LIMIT_DAYS} days")
        self._keys = tuple(keys)
        self._max_age_days = max_age_days
        self._clock = clock

    def rewrite(self, sender: str, domain: str) -> str:
        """Return the sender to use for a forward that leaves from `domain`; the null one stays null.

        Raises `SrsMalformedError` for a sender without a domain.
        """
        if not sender:
            return ""
        quoted, host = split(sender)
        local = unquote(quoted)
        if not local or not host or "=" in host:
            raise SrsMalformedError(f"sender {sender!r} cannot be rewritten: it has no usable domain")
        if _SRS0.fullmatch(local):
            return self._wrap(host, local[len("SRS0") :], domain)
        if again := _SRS1.fullmatch(local):
            return self._wrap(again[2], again[3], domain)
        stamp = _stamp(self._today())
        mark = keyed_hash(self._keys[0], "0", stamp, host, local)
        return f"{quote(f'SRS0={mark}={stamp}={host}={local}')}@{domain}"

    def reverse(self, recipient: str) -> str:
        """Return the address that `recipient` was made from.

        Raises `SrsMalformedError`, `SrsForgedError` or `SrsExpiredError`.
        """
        local = unquote(split(recipient)[0])
        if match := _SRS0.fullmatch(local):
            mark, stamp, host, rest = match.groups()
            self._verify(mark, "0", stamp, host, rest)
            self._check_age(stamp)
            return f"{quote(rest)}@{host}"
        if match := _SRS1.fullmatch(local):
            mark, host, rest = match.groups()
            self._verify(mark, "1", host, rest)
            return f"{quote('SRS0' + rest)}@{host}"
        raise SrsMalformedError(f"{recipient!r} is neither SRS0 nor SRS1")

    def _wrap(self, host: str, rest: str, domain: str) -> str:
        mark = keyed_hash(self._keys[0], "1", host, rest)
        return f"{quote(f'SRS1={mark}={host}={rest}')}@{domain}"

    def _verify(self, mark: str, *parts: str) -> None:
        if not is_ours(mark, self._keys, *parts):
            raise SrsForgedError("the hash of this SRS address is not ours")

    def _check_age(self, stamp: str) -> None:
        age = (self._today() - _day(stamp)) % _DAYS
        clock_ahead = age == _DAYS - 1
        if age > self._max_age_days and not clock_ahead:
            raise SrsExpiredError(f"this SRS address is older than {self._max_age_days} days")

    def _today(self) -> int:
        return int(self._clock() // _DAY_SECONDS) % _DAYS


def _stamp(day: int) -> str:
    return _ALPHABET[day >> 5] + _ALPHABET[day & 31]


def _day(stamp: str) -> int:
    high, low = (_ALPHABET.index(character) for character in stamp.lower())
    return high << 5 | low
