"""Random builds, changes, folds and overrides: the snapshot is a dictionary, seen from both sides."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.twinmx import postfix_view
from twinmx.aliases import update
from twinmx.aliases.model import Alias, Change
from twinmx.aliases.overrides import overrides_of, read_overrides
from twinmx.aliases.snapshot import Snapshot
from twinmx.aliases.update import NoSuchAlias, apply_changes, build_snapshot, override_alias

ADDRESSES = [
    f"{name}@alias.example" for name in ("a", "a.b", "b", "srs", "z-9", "ö".encode("punycode").decode())
]
addresses = st.sampled_from(ADDRESSES)
mailboxes = st.lists(st.sampled_from(["m@x.example", "n@y.example", "o@z.example"]), min_size=1, unique=True)
accounts = st.one_of(st.none(), st.sampled_from(["ada", "Zoë", "+", "-"]))
Fact = tuple[tuple[str, ...], str | None, bool, tuple[str, ...]]


def facts_with(boxes: list[str]) -> st.SearchStrategy[Fact]:
    disabled = st.sets(st.sampled_from(boxes)).map(lambda some: tuple(sorted(some)))
    return st.tuples(st.just(tuple(boxes)), accounts, st.booleans(), disabled)


facts = mailboxes.flatmap(facts_with)
some_facts = st.dictionaries(addresses, facts)


def _answer(alias: Alias | None) -> str:
    if alias is None:
        return postfix_view.UNKNOWN
    if not alias.enabled:
        return "550 5.1.1 this alias is disabled"
    if set(alias.mailboxes) <= set(alias.disabled_mailboxes):
        return "550 5.2.1 the mailbox behind this alias is disabled"
    return "OK"


class Store(RuleBasedStateMachine):
    """`source` is what the source says, `said` what the operator said against it."""

    @initialize(start=some_facts)
    def begin(self, start: dict[str, Fact]) -> None:
        self.directory = tempfile.mkdtemp()
        self.target = Path(self.directory, "aliases.lmdb")
        self.source: dict[str, Alias] = {}
        self.said: dict[str, bool] = {}
        self.marker = 0
        self.build(start)
        self.reader = Snapshot(self.target)

    @rule(wanted=some_facts)
    def build(self, wanted: dict[str, Fact]) -> None:
        self.source = {address: Alias(address, *wanted[address]) for address in sorted(wanted)}
        self.marker += 1
        build_snapshot(iter(self.source.values()), self.target, marker=str(self.marker))

    @rule(
        changed=st.dictionaries(addresses, st.one_of(st.none(), facts)), fold_at=st.sampled_from([0, 2, 99])
    )
    def change(self, changed: dict[str, Fact | None], fold_at: int) -> None:
        changes = []
        for address, fact in changed.items():
            changes.append(Change(address, Alias(address, *fact) if fact else None))
            if alias := changes[-1].alias:
                self.source[address] = alias
            else:
                self.source.pop(address, None)
        self.marker += 1
        with patch.object(update, "_FOLD_AT", fold_at):
            apply_changes(self.target, changes, marker=str(self.marker))

    @rule(address=addresses, enabled=st.sampled_from([True, False, None]))
    def override(self, address: str, enabled: bool | None) -> None:
        source = self.source.get(address)
        if source is None and address not in self.said:
            with pytest.raises(NoSuchAlias):
                override_alias(self.target, address, enabled=enabled)
            return
        override_alias(self.target, address.upper(), enabled=enabled)
        if source is None or enabled is None or enabled == source.enabled:
            self.said.pop(address, None)
        else:
            self.said[address] = enabled

    @rule()
    def reopen(self) -> None:
        self.reader.close()

    @invariant()
    def both_see_the_same(self) -> None:
        with postfix_view.tables(self.target) as found:
            for address in [*ADDRESSES, "other@alias.example"]:
                alias = self.source.get(address)
                if alias is not None:
                    alias = replace(alias, enabled=self.said.get(address, alias.enabled))
                assert self.reader.lookup(address) == alias
                assert postfix_view.answer(found, address) == _answer(alias)

    @invariant()
    def facts_are_kept(self) -> None:
        meta = self.reader.meta()
        assert (meta.count, meta.marker) == (len(self.source), str(self.marker))
        kept = read_overrides(overrides_of(self.target))
        assert {address: override.enabled for address, override in kept.items()} == self.said

    def teardown(self) -> None:
        self.reader.close()
        shutil.rmtree(self.directory)


Store.TestCase.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestStore = Store.TestCase
