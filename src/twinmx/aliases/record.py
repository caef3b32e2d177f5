"""One alias as bytes: the value under its address, which Postfix and the forwarder both read.

It is a C string and more: up to the first NUL an access(5) action, where Postfix stops; behind it what
the forwarder needs, NUL between the fields. Both programs read one record, so they cannot disagree
about an alias, and a million of them take half the room of two tables.

    action NUL ("+" | "-") account NUL mailbox [NUL mailbox]… [NUL NUL disabled [NUL disabled]…]

`+` and `-` are what the source says, enabled or disabled; the action is what holds on this host, where
an operator may have said otherwise. Disabled mailboxes are there a second time, behind an empty field: an
earlier release, which knows of none, takes such a record for damaged and answers 451 instead of forwarding.
`GONE`, an action alone, hides an alias that a lower file still has.
"""

from dataclasses import replace
from typing import NamedTuple

from twinmx.addresses import MAX_ADDRESS, fold
from twinmx.aliases.model import Alias

_ACCEPT = "OK"
DISABLED = "550 5.1.1 this alias is disabled"
MAILBOX_DISABLED = "550 5.2.1 the mailbox behind this alias is disabled"
"""All of its mailboxes are (X.2.1 of RFC 3463); which ones they are is never told."""

_SOURCE_STATES = {"+": True, "-": False}

_OVERRIDDEN = tuple(
    f"{action}\0{said}".encode()
    for action, said in ((_ACCEPT, "-"), (MAILBOX_DISABLED, "-"), (DISABLED, "+"))
)

# the text that Postfix has for an address in no table: a sender cannot tell gone from never there
GONE = b"550 5.1.1 User unknown in relay recipient table"


class Stored(NamedTuple):
    """An alias as it holds on this host, and whether its source has it enabled."""

    alias: Alias
    enabled_at_source: bool

    def at_source(self) -> Alias:
        """Return the alias as its source has it, whatever the operator of this host said."""
        if self.alias.enabled is self.enabled_at_source:
            return self.alias
        return replace(self.alias, enabled=self.enabled_at_source)


def key_of(address: str) -> bytes | None:
    """Return the key of `address`, in any case; None for what can be no alias."""
    key = fold(address).encode("utf-8", "surrogateescape")
    # names of our own begin with a line feed, which no SMTP command can carry
    return key if 0 < len(key) <= MAX_ADDRESS and b"\n" not in key else None


def is_overridden(value: bytes) -> bool:
    """Whether the record `value` has an alias of which the source says something else."""
    return value.startswith(_OVERRIDDEN)


def encode(stored: Stored) -> bytes:
    """Return the record of `stored`; raises `ValueError` for what no record can hold."""
    alias = stored.alias
    if not alias.mailboxes or not all(alias.mailboxes):
        raise ValueError(f"alias {alias.address}: it has no mailbox")
    if not set(alias.disabled_mailboxes) <= set(alias.mailboxes):
        raise ValueError(f"alias {alias.address}: a disabled mailbox is none of its mailboxes")
    fields = (
        _action(alias),
        ("+" if stored.enabled_at_source else "-") + (alias.account or ""),
        *alias.mailboxes,
        *(("", *alias.disabled_mailboxes) if alias.disabled_mailboxes else ()),
    )
    if any("\0" in field for field in fields):
        raise ValueError(f"alias {alias.address}: its account or a mailbox has a NUL in it")
    return "\0".join(fields).encode()


def decode(address: str, value: bytes) -> Stored | None:
    """Read the record of `address`; None where it says that the alias is gone.

    Raises `ValueError` for what `encode` does not write.
    """
    if value == GONE:
        return None
    action, origin, *fields = value.decode().split("\0")
    end = fields.index("") if "" in fields else len(fields)
    mailboxes, disabled = tuple(fields[:end]), tuple(fields[end + 1 :])
    alias = Alias(address, mailboxes, origin[1:] or None, action != DISABLED, disabled)
    sound = mailboxes and fields[-1] and set(disabled) <= set(mailboxes) and action == _action(alias)
    enabled_at_source = _SOURCE_STATES.get(origin[:1])
    if enabled_at_source is None or not sound:
        raise ValueError("not a record")
    return Stored(alias, enabled_at_source)


def _action(alias: Alias) -> str:
    if not alias.enabled:
        return DISABLED
    return _ACCEPT if alias.mailboxes_in_use else MAILBOX_DISABLED
