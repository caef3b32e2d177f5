"""docs/inventory.md says what the code does: it is written from it, and nothing is left undescribed."""

import json

import pytest
import yaml

from inventory.describe import ANY_NAME, allowed, knobs
from inventory.document import DOCUMENT, FOLDER, Group, groups, render
from inventory.flags import FLAGS, with_flags
from inventory.load import InventoryError, load_exchange
from inventory.schema import Exchange
from inventory.secrets import Secrets
from tests.unit.inventory.files import Files, line_of, spoil

KNOBS = {".".join(key): field for model in (Exchange, Secrets) for key, field in knobs(model)}
NAMED_UNITS = {"seconds", "bytes", "megabytes", "percent", "days"}


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == render(), "run: python -m inventory.document"


@pytest.mark.parametrize("key", KNOBS)
def test_each_knob_is_in_the_document_and_described(key: str) -> None:
    field = KNOBS[key]

    (row,) = [line for line in render().splitlines() if line.startswith(f"| `{key}` |")]

    assert field.description
    assert field.description.endswith(".")
    assert allowed(field.annotation, tuple(field.metadata)) in row


@pytest.mark.parametrize("key", [key for key in KNOBS if key.rpartition("_")[2] in NAMED_UNITS])
def test_a_knob_whose_name_has_a_unit_states_it(key: str) -> None:
    extra = KNOBS[key].json_schema_extra

    assert isinstance(extra, dict)
    assert extra["unit"]


@pytest.mark.parametrize("group", [*groups(Exchange), *groups(Secrets)], ids=lambda group: group.key)
def test_each_group_says_what_it_is_for(group: Group) -> None:
    assert group.model.__doc__
    assert "settings" not in group.model.__doc__.lower(), "the docstring of Settings itself"


def test_each_group_of_the_exchange_has_its_section() -> None:
    titles = [line.removeprefix("## ") for line in render().splitlines() if line.startswith("## ")]

    assert {group.key or "The file" for group in groups(Exchange)} < set(titles)


def test_the_example_of_each_flag_is_accepted(files: Files) -> None:
    exchange = load_exchange(files.facts)

    for name, flag in FLAGS.items():
        assert with_flags(exchange, {name: flag.example}) != exchange, name
        assert f"`{name}={flag.example}`" in render()


def test_the_mistake_shown_is_what_the_mistake_prints(files: Files) -> None:
    production = FOLDER / "production.yml"
    files.facts.write_text(production.read_text())
    spoil(files.facts, "answer: 550", "answer: 250")

    with pytest.raises(InventoryError) as refused:
        load_exchange(files.facts)

    shown = str(refused.value).replace(str(files.facts), "inventory/yours.yml")
    assert shown in render().splitlines()
    assert f":{line_of(files.facts, 'answer: 250')}:" in shown


@pytest.mark.parametrize("name", ["exchange", "vagrant", "production"])
def test_the_facts_that_come_with_the_repository_are_accepted(name: str) -> None:
    exchange = load_exchange(FOLDER / f"{name}.yml")

    assert Exchange.model_validate(json.loads(exchange.model_dump_json())) == exchange


def test_the_yaml_in_the_document_is_yaml() -> None:
    blocks = [part.partition("```")[0] for part in render().split("```yaml\n")[1:]]

    assert [sorted(yaml.safe_load(block)) for block in blocks] == [
        sorted(yaml.safe_load((FOLDER / "production.yml").read_text())),
        ["database_passwords", "receivers", "rspamd_password", "srs_keys", "tsig_keys", "valkey_passwords"],
        ["aliases"],
    ]
    assert ANY_NAME in render()
