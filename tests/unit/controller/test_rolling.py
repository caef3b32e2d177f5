"""The order in which exchangers converge."""

from controller import rolling
from tests.unit.roles.exchanges import exchange


def test_the_least_preferred_exchanger_goes_first() -> None:
    assert rolling.order(exchange()) == ["mx2", "mx1"]
    assert rolling.order(exchange(flags={"primary": "mx2"})) == ["mx1", "mx2"]
