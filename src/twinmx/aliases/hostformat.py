"""Aliases as a host receives them: one JSON object a line, sorted, one spelling for one content.

The controller checks the YAML once and ships this; equal aliases give equal bytes, so a second
converge sees no difference. Hosts therefore need neither YAML nor the served domains to build theirs.
"""

import json
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

from twinmx.addresses import address_fault, fold
from twinmx.aliases.model import Alias, AliasFileError, Problem


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    account: str | None
    address: str
    enabled: bool
    mailboxes: list[str]


def dump_aliases(aliases: Iterable[Alias]) -> bytes:
    """Write `aliases` as sorted JSON lines, in UTF-8."""
    return b"".join(
        json.dumps(
            {
                "account": alias.account,
                "address": alias.address,
                "enabled": alias.enabled,
                "mailboxes": alias.mailboxes,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        + b"\n"
        for alias in sorted(aliases, key=lambda alias: alias.address)
    )


def read_aliases(data: bytes, name: str = "aliases") -> tuple[Alias, ...]:
    """Read what `dump_aliases` wrote; `name` stands for the file in messages.

    Raises `AliasFileError` for a line that is no alias, an address that is not accepted or not in
    folded case, and for lines out of order (so also for an alias given twice).
    """
    aliases: list[Alias] = []
    problems: list[Problem] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line:
            continue
        try:
            parsed = _Line.model_validate_json(line)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(str(part) for part in fault["loc"]) or "line"
            problems.append(Problem(number, f"{where}: {fault['msg']}"))
            continue
        alias = Alias(parsed.address, tuple(parsed.mailboxes), parsed.account, parsed.enabled)
        if message := _fault(alias, aliases[-1] if aliases else None):
            problems.append(Problem(number, message))
        aliases.append(alias)
    if problems:
        raise AliasFileError(name, problems)
    return tuple(aliases)


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
    return None
