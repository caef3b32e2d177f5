"""The canary's aliases are nobody else's."""

import pytest

from inventory.hosts import hosts_of
from inventory.load import InventoryError
from tests.unit.inventory.files import Files, spoil


def test_no_alias_of_the_file_is_one_of_the_canary(files: Files) -> None:
    spoil(files.aliases, "alias: hello@alias.example", "alias: Canary-mx2@alias.example")

    with pytest.raises(InventoryError) as refused:
        hosts_of(str(files.facts), connection={}, flags={})

    said = "canary-mx2@alias.example: the canary's own alias; allowed: any other address"
    assert str(refused.value) == f"{files.aliases}: {said}"
