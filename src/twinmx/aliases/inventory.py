"""The YAML list of aliases that people edit, read so that every fault is named with its line.

The document is walked as nodes, not as Python values, because only nodes know their lines and show
a key that was given twice. All faults are collected: whoever imports 500 aliases fixes them in one go.
"""

from collections.abc import Collection, Iterator, Set
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from twinmx.addresses import address_fault, fold, split
from twinmx.aliases.model import Alias, AliasFileError, Problem
from twinmx.srs import is_srs

_TOP_KEYS = ("aliases", "disabled_mailboxes")
_KEYS = ("alias", "mailboxes", "enabled", "account")
_BOOL, _STR = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:str"
_TRUE = frozenset({"yes", "true", "on"})


class _Value(NamedTuple):
    """A scalar of the document with the line it stands on."""

    text: str
    line: int


class _Entry(NamedTuple):
    """One alias as written, before it is compared with the others."""

    alias: _Value
    mailboxes: tuple[_Value, ...]
    account: str | None
    enabled: bool


def load_aliases(path: Path, served_domains: Collection[str]) -> tuple[Alias, ...]:
    """Read and check the aliases of `path`; they come back sorted by address.

    Raises `AliasFileError` with every fault found, `OSError` where the file cannot be read.
    """
    reader = _Reader(frozenset(fold(domain) for domain in served_domains))
    aliases = reader.read(path.read_bytes())
    if reader.problems:
        raise AliasFileError(str(path), reader.problems)
    return tuple(sorted(aliases, key=lambda alias: alias.address))


class _Reader:
    """One reading of one file: the walk, and the faults met on the way."""

    def __init__(self, served_domains: frozenset[str]) -> None:
        self.problems: list[Problem] = []
        self._served = served_domains
        self._known_mailboxes: set[str] = set()

    def read(self, document: bytes) -> list[Alias]:
        top = self._top(document)
        entries = [entry for node in self._items(top) if (entry := self._entry(node))]
        self._check_unique(entries)
        self._check_loops(entries)
        disabled = self._disabled_mailboxes(top.get("disabled_mailboxes"))
        return [_alias_of(entry, disabled) for entry in entries]

    def _report(self, line: int, message: str) -> None:
        self.problems.append(Problem(line, message))

    def _top(self, document: bytes) -> dict[str, Any]:
        try:
            root = yaml.compose(document, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._report(mark.line + 1 if mark else 1, f"not YAML: {error.problem}")
            return {}
        except yaml.YAMLError as error:
            self._report(1, f"not YAML: {error}")
            return {}
        if not isinstance(root, yaml.MappingNode):
            self._report(
                1, "the file holds the key aliases, a list, and disabled_mailboxes where there are any"
            )
            return {}
        top = dict(self._pairs(root, _TOP_KEYS))
        if "aliases" not in top:
            self._report(1, "aliases is missing: it is a list of {alias, mailboxes}")
        return top

    def _items(self, top: dict[str, Any]) -> list[Any]:
        items = top.get("aliases")
        if items is None:
            return []
        if not isinstance(items, yaml.SequenceNode):
            self._report(_line(items), "aliases must be a list of {alias, mailboxes}")
            return []
        return list(items.value)

    def _pairs(self, node: yaml.MappingNode, allowed: Collection[str]) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if name not in allowed:
                self._report(_line(key), f"{name}: unknown key, allowed are {', '.join(sorted(allowed))}")
            elif name in seen:
                self._report(_line(key), f"{name}: the key is given twice")
            else:
                seen.add(name)
                yield name, value

    def _entry(self, node: Any) -> _Entry | None:
        if not isinstance(node, yaml.MappingNode):
            self._report(_line(node), "an entry must be a mapping with alias and mailboxes")
            return None
        values = dict(self._pairs(node, _KEYS))
        alias = self._alias(node, values.get("alias"))
        mailboxes = self._mailboxes(node, alias, values.get("mailboxes"))
        enabled = self._enabled(values.get("enabled"))
        account = self._account(values.get("account"))
        if alias is None or not mailboxes:
            return None
        return _Entry(alias, mailboxes, account, enabled)

    def _alias(self, entry: yaml.MappingNode, node: Any) -> _Value | None:
        if node is None:
            self._report(_line(entry), "alias is missing")
            return None
        value = self._address("alias", node)
        if value is None:
            return None
        local, domain = split(fold(value.text))
        if domain not in self._served:
            served = ", ".join(sorted(self._served))
            self._report(value.line, f"alias: {value.text} is outside the served domains ({served})")
        if is_srs(local):
            self._report(value.line, f"alias: {value.text} looks like a rewritten sender (SRS0=, SRS1=)")
        return value

    def _mailboxes(self, entry: yaml.MappingNode, alias: _Value | None, node: Any) -> tuple[_Value, ...]:
        owner = alias.text if alias else "this alias"
        if node is None or (isinstance(node, yaml.SequenceNode) and not node.value):
            self._report(_line(node or entry), f"mailboxes: {owner} has no mailbox, it needs one")
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self._report(_line(node), "mailboxes must be a list of addresses")
            return ()
        found = self._addresses("mailboxes", node)
        self._known_mailboxes |= found.keys()
        return tuple(found.values())

    def _disabled_mailboxes(self, node: Any) -> Set[str]:
        if node is None:
            return frozenset()
        if not isinstance(node, yaml.SequenceNode):
            told = f"must be a list of mailboxes that take no mail, is {_shown(node)}"
            self._report(_line(node), f"disabled_mailboxes: {told}")
            return frozenset()
        found = self._addresses("disabled_mailboxes", node)
        for address, value in found.items():
            if address not in self._known_mailboxes:
                told = f"{value.text} is the mailbox of no alias; allowed: an address that an alias leads to"
                self._report(value.line, f"disabled_mailboxes: {told}")
        return found.keys()

    def _addresses(self, key: str, node: yaml.SequenceNode) -> dict[str, _Value]:
        found: dict[str, _Value] = {}
        for item in node.value:
            value = self._address(key, item)
            if value is None:
                continue
            if (first := found.get(fold(value.text))) is not None:
                self._report(value.line, f"{key}: {value.text} is there already on line {first.line}")
            found[fold(value.text)] = value
        return found

    def _address(self, key: str, node: Any) -> _Value | None:
        if not isinstance(node, yaml.ScalarNode) or node.tag != _STR:
            self._report(_line(node), f"{key}: must be an address, is {_shown(node)}")
            return None
        if fault := address_fault(node.value):
            self._report(_line(node), f"{key}: {node.value!r} is not accepted: {fault}")
            return None
        return _Value(node.value, _line(node))

    def _enabled(self, node: Any) -> bool:
        if node is None:
            return True
        if not isinstance(node, yaml.ScalarNode) or node.tag != _BOOL:
            self._report(_line(node), f"enabled: must be true or false, is {_shown(node)}")
            return True
        return node.value.lower() in _TRUE

    def _account(self, node: Any) -> str | None:
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode) or node.tag != _STR or not _is_name(node.value):
            self._report(_line(node), f"account: must be a name, is {_shown(node)}")
            return None
        return str(node.value)

    def _check_unique(self, entries: list[_Entry]) -> None:
        first: dict[str, _Value] = {}
        for entry in entries:
            earlier = first.setdefault(fold(entry.alias.text), entry.alias)
            if earlier is not entry.alias:
                self._report(
                    entry.alias.line,
                    f"alias: {entry.alias.text} is there already on line {earlier.line}"
                    f" (as {earlier.text}; case makes no difference)",
                )

    def _check_loops(self, entries: list[_Entry]) -> None:
        aliases = {fold(entry.alias.text) for entry in entries}
        for entry in entries:
            for mailbox in entry.mailboxes:
                folded = fold(mailbox.text)
                if folded in aliases:
                    reason = "is itself an alias"
                elif split(folded)[1] in self._served:
                    reason = "is in a domain served here"
                else:
                    continue
                self._report(
                    mailbox.line,
                    f"mailboxes: loop: {mailbox.text} of {entry.alias.text} {reason}; a mailbox is outside",
                )


def _alias_of(entry: _Entry, disabled: Set[str]) -> Alias:
    mailboxes = tuple(fold(mailbox.text) for mailbox in entry.mailboxes)
    return Alias(
        fold(entry.alias.text),
        mailboxes,
        entry.account,
        entry.enabled,
        tuple(sorted(disabled & set(mailboxes))),
    )


def _is_name(text: str) -> bool:
    return bool(text.strip()) and text.isprintable()


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _shown(node: Any) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value)
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
