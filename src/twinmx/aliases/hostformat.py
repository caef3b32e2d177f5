"""Aliases as a host receives them: one JSON object a line, sorted, one spelling for one content.

The controller checks the YAML once and ships this; equal aliases give equal bytes, so a second
converge sees no difference. Hosts therefore need neither YAML nor the served domains to build theirs.
"""

import json
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, ValidationError

from twinmx.addresses import address_fault, fold
from twinmx.aliases.model import Alias, AliasFileError, Problem


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    account: str | None
    address: str
    enabled: bool
    mailboxes: list[str]
    disabled_mailboxes: list[str] = []


def dump_aliases(aliases: Iterable[Alias]) -> bytes:
    """Write `aliases` as sorted JSON lines, in UTF-8."""
    return b"".join(
        json.dumps(
            {
                "account": alias.account,
                "address": alias.address,
                "enabled": alias.enabled,
                "mailboxes": alias.mailboxes,
                **({"disabled_mailboxes": alias.disabled_mailboxes} if alias.disabled_mailboxes else {}),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        + b"\n"
        for alias in sorted(aliases, key=lambda alias: alias.address)
    )


def read_aliases(lines: Iterable[bytes], name: str = "aliases") -> Iterator[Alias]:
    """Read what `dump_aliases` wrote, line by line; `name` stands for the file in messages.

    Raises `AliasFileError`, at the end and with all faults, for a line that is no alias, an address that
    is not accepted or not in folded case, and for lines out of order (so also for an alias given twice).
    After the first fault no more aliases come.
    """
    previous: Alias | None = None
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        try:
            alias = _alias(line)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(str(part) for part in fault["loc"]) or "line"
            problems.append(Problem(number, f"{where}: {fault['msg']}"))
            continue
        if message := _fault(alias, previous):
            problems.append(Problem(number, message))
        previous = alias
        if not problems:
            yield alias
    if problems:
        raise AliasFileError(name, problems)


def _alias(line: bytes) -> Alias:
    parsed = _Line.model_validate_json(line)
    return Alias(
        parsed.address,
        tuple(parsed.mailboxes),
        parsed.account,
        parsed.enabled,
        tuple(parsed.disabled_mailboxes),
    )


def _fault(alias: Alias, previous: Alias | None) -> str | None:
    for address in (alias.address, *alias.mailboxes):
        if fault := address_fault(address):
            return f"{address!r} is not accepted: {fault}"
        if address != fold(address):
            return f"{address!r} is not in folded case"
    if not alias.mailboxes:
        return f"{alias.address} has no mailbox"
    if previous is not None and alias.address <= previous.address:
        return f"{alias.address} follows {previous.address}: lines are sorted, each alias once"
    return _disabled_fault(alias)


def _disabled_fault(alias: Alias) -> str | None:
    if strange := set(alias.disabled_mailboxes) - set(alias.mailboxes):
        return f"disabled_mailboxes: {min(strange)!r} is no mailbox of {alias.address}"
    if list(alias.disabled_mailboxes) != sorted(set(alias.disabled_mailboxes)):
        return f"disabled_mailboxes of {alias.address}: they are sorted, each once"
    return None
