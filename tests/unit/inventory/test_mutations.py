"""Whatever becomes of a good file: it is accepted, or refused in words, with what is allowed."""

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from inventory.load import InventoryError, load_exchange
from inventory.schema import Exchange
from inventory.secrets import load_secrets
from tests.unit.inventory.files import ALIASES, FACTS, SECRETS, Files
from twinmx.aliases.inventory import load_aliases
from twinmx.aliases.model import AliasFileError

SCALARS = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(-(2**70), 2**70),
    some.floats(),
    some.text(some.characters(exclude_categories=["Cs"]), max_size=20),
    some.sampled_from(["mx1.alias.example", "198.51.100.11", "::1", "10.0.0.0/8", "rspamd", "550", "", " "]),
)
VALUES = some.recursive(
    SCALARS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SIGNS = (*map(chr, b":-[]{}&*!|>'\"%@`#,?\n\t \0"), "<<: ", "&a ", "*a", "9" * 99, "\N{BULLET}")
TOLD = re.compile(r".*/exchange\.yml(:\d+)?: .*(?:llowed|not YAML)", re.DOTALL)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The key of everything inside `value`."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, part in inside for place in [(*at, key), *places(part, (*at, key))]]


PLACES = places(yaml.safe_load(FACTS))


def changed(facts: Any, place: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """A copy of `facts` where `change` was done to what holds `place`."""
    facts = deepcopy(facts)
    holder = facts
    for key in place[:-1]:
        holder = holder[key]
    change(holder, place[-1])
    return facts


def refusal(load: Callable[[], object]) -> str | None:
    """Why something is not accepted; any other error than the two that say so is a fault."""
    try:
        load()
    except (InventoryError, AliasFileError) as refused:
        return str(refused)
    return None


def judge(files: Files) -> None:
    """The facts are an exchange, or each line of the refusal says where and what."""
    told = refusal(lambda: load_exchange(files.facts))
    for line in re.split(r"\n(?=/)", told or ""):
        assert not told or TOLD.match(line), line


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files.write(tmp_path_factory.mktemp("facts"))


@pytest.fixture(scope="module")
def good(files: Files) -> Any:
    return yaml.safe_load(files.facts.read_text())


@given(some.sampled_from(PLACES), VALUES)
def test_another_value(files: Files, good: Any, place: tuple[Any, ...], value: Any) -> None:
    facts = changed(good, place, lambda holder, key: holder.__setitem__(key, value))
    files.facts.write_text(yaml.safe_dump(facts, allow_unicode=True))
    judge(files)


@given(some.sampled_from(PLACES))
def test_something_left_out(files: Files, good: Any, place: tuple[Any, ...]) -> None:
    files.facts.write_text(yaml.safe_dump(changed(good, place, lambda holder, key: holder.pop(key))))
    judge(files)


@given(some.sampled_from([place for place in PLACES if isinstance(place[-1], str)]), VALUES, some.data())
def test_another_key(
    files: Files, good: Any, place: tuple[Any, ...], value: Any, data: some.DataObject
) -> None:
    key = data.draw(SCALARS)
    facts = changed(good, place, lambda holder, _: holder.__setitem__(key, value))
    files.facts.write_text(yaml.safe_dump(facts, allow_unicode=True))
    judge(files)


def spoilt(text: str, data: some.DataObject) -> bytes:
    """`text` with a piece of it replaced by something else."""
    raw = text.encode()
    start = data.draw(some.integers(0, len(raw)))
    end = data.draw(some.integers(start, min(len(raw), start + 30)))
    signs = [
        *(bytes([sign]) for sign in b":-[]{}&*!|>'\"%@`#,?\n\t \0"),
        b"\xff",
        b"<<: ",
        b"&a ",
        b"*a",
        b"9" * 99,
    ]
    pieces = some.one_of(
        some.binary(max_size=6), some.lists(some.sampled_from(signs), max_size=4).map(b"".join)
    )
    return raw[:start] + data.draw(pieces) + raw[end:]


@given(some.data())
def test_a_file_with_a_torn_piece(files: Files, data: some.DataObject) -> None:
    files.facts.write_bytes(spoilt(FACTS.replace("FOLDER", str(files.facts.parent)), data))
    judge(files)


@given(some.data())
def test_torn_secrets_are_refused_and_not_told(files: Files, data: some.DataObject) -> None:
    files.secrets.write_bytes(spoilt(SECRETS, data))
    told = refusal(lambda: load_secrets(files.source))
    if told:
        assert told.startswith(str(files.secrets))
        assert "staple-of-many-words" not in told


@given(some.data())
def test_a_torn_alias_file(files: Files, data: some.DataObject) -> None:
    files.aliases.write_bytes(spoilt(ALIASES, data))
    told = refusal(lambda: load_aliases(files.aliases, ["alias.example", "masked.example"]))
    if told:
        assert str(files.aliases) in told


def test_the_good_files_are_accepted(tmp_path: Path) -> None:
    files = Files.write(tmp_path)
    assert isinstance(load_exchange(files.facts), Exchange)
    assert load_secrets(files.source).srs_keys
    assert load_aliases(files.aliases, ["alias.example", "masked.example"])
