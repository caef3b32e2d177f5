"""From a row to an alias, or to what is wrong with it.

The application that writes the table is not ours, so a row is held to the same rules as a line of the
YAML file. A row that breaks one is left out, and what was known of its alias before stays.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from twinmx.addresses import address_fault, fold, split
from twinmx.aliases.model import Alias
from twinmx.srs import is_srs


class Row(NamedTuple):
    """A row of `aliases`, as unchecked as the database gives it; `disabled`: mailboxes that take no mail."""

    address: str
    account: str | None
    enabled: bool
    mailboxes: Sequence[object]
    disabled: Sequence[str] = ()


def alias_of(row: Row) -> Alias:
    """The row as an alias; ask `fault_of` first."""
    mailboxes = tuple(fold(str(mailbox)) for mailbox in row.mailboxes)
    disabled = tuple(sorted({*row.disabled} & {*mailboxes})) if row.disabled else ()
    return Alias(row.address, mailboxes, row.account or None, row.enabled, disabled)


def fault_of(row: Row, served: Collection[str]) -> str | None:
    """What is wrong with the row, or None; `served`: the served domains in folded case."""
    return _alias_fault(row.address, served) or _mailboxes_fault(row.mailboxes, served)


def _alias_fault(address: str, served: Collection[str]) -> str | None:
    if fault := address_fault(address):
        return f"address: {fault}"
    if address != fold(address):
        return "address: not in lower case"
    local, domain = split(address)
    if domain not in served:
        return f"address: {domain} is not a served domain"
    if is_srs(local):
        return "address: looks like a rewritten sender (SRS0=, SRS1=)"
    return None


def _mailboxes_fault(mailboxes: Sequence[object], served: Collection[str]) -> str | None:
    if not mailboxes:
        return "mailboxes: empty"
    seen: set[str] = set()
    for mailbox in mailboxes:
        if not isinstance(mailbox, str):
            return "mailboxes: an entry is no text"
        if fault := address_fault(mailbox):
            return f"mailboxes: {mailbox!r}: {fault}"
        folded = fold(mailbox)
        if split(folded)[1] in served:
            return f"mailboxes: loop: {mailbox} is in a served domain"
        if folded in seen:
            return f"mailboxes: {mailbox} is there twice"
        seen.add(folded)
    return None
