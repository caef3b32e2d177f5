"""The flag `drill`: what it makes of an exchange, and who may run what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

import drills
from drills.lib.model import Drill, Then, Where
from inventory.document import FOLDER
from inventory.drill_flag import Words, merged, words_of
from inventory.load import InventoryError, load_exchange
from inventory.schema import Exchange
from tests.unit.inventory.files import Files, spoil

ANY = "drills: {allowed: any}\nforwarder:"
FLOOD = Drill(
    name="flood",
    says="A flood.",
    replays="June 2021",
    inventory={"rate_limits": {"alias": {"count": 5}}, "monitors": {"queue_seconds": 2}},
    then=Then(
        inventory={
            "rate_limits": {"answer": 421},
            "forwarder": {"queue_slots": "shared"},
            "domains": ["a.example"],
        },
        says="421",
    ),
)
KNOWN = {
    one.name: one
    for one in (
        Drill(name="bad", says="", replays="", inventory={"forwarder": {"wokers": 2}}),
        FLOOD,
        Drill(name="gentle", says="", replays="", harmless=True, inventory={"forwarder": {"workers": 2}}),
        Drill(name="swap", says="", replays="", harmless=True, primary=Where.LAST),
    )
}


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills, "all_drills", lambda: KNOWN)


@pytest.fixture
def lab(files: Files) -> Path:
    """The good facts, where any drill may be run."""
    spoil(files.facts, "forwarder:", ANY)
    return files.facts


def test_its_inventory_is_merged_into_the_exchange(lab: Path) -> None:
    plain, drilled = load_exchange(lab), load_exchange(lab, {"drill": "flood"})

    assert drilled.rate_limits.alias.count == 5
    assert drilled.rate_limits.alias.window_seconds == plain.rate_limits.alias.window_seconds
    assert drilled.rate_limits.answer == 550
    assert drilled.monitors.queue_seconds == 2
    assert but_drills(drilled, "rate_limits", "monitors") == but_drills(plain, "rate_limits", "monitors")
    under_way = drilled.drills.under_way
    assert under_way
    assert (under_way.name, under_way.then, under_way.calm) == ("flood", False, False)


def but_drills(exchange: Exchange, *parts: str) -> dict[str, Any]:
    return exchange.model_dump(exclude={"drills", *parts})


def test_the_design_of_the_time_comes_on_top(lab: Path) -> None:
    drilled = load_exchange(lab, {"drill": "flood/then"})

    assert drilled.rate_limits.alias.count == 5
    assert drilled.rate_limits.answer == 421
    assert drilled.forwarder.queue_slots == "shared"
    assert drilled.domains == ("a.example",), "a list is replaced"


def test_calm_differs_in_nothing_but_that_it_is(lab: Path) -> None:
    calm, drill = (load_exchange(lab, {"drill": f"flood/then{part}"}) for part in ("/calm", ""))

    assert but_drills(calm) == but_drills(drill)
    assert calm.drills.under_way
    assert calm.drills.under_way.calm


def test_other_flags_have_the_last_word(lab: Path) -> None:
    drilled = load_exchange(lab, {"workers": "7", "drill": "gentle", "primary": "mx2"})

    assert drilled.forwarder.workers == 7
    assert drilled.drills.under_way
    assert drilled.drills.under_way.order == ("mx1", "mx2"), "as it is without flags"


def test_a_drill_may_have_another_exchanger_come_first(lab: Path) -> None:
    swapped, calm = (load_exchange(lab, {"drill": value}) for value in ("swap", "swap/calm"))

    assert [host.mx_priority for host in swapped.exchangers.values()] == [20, 10]
    assert [host.mx_priority for host in calm.exchangers.values()] == [10, 20]
    assert swapped.drills.under_way
    assert swapped.drills.under_way.order == ("mx1", "mx2")


def test_the_time_is_the_inventorys_unless_it_is_given(lab: Path) -> None:
    given_time, usual = (load_exchange(lab, {"drill": f"gentle{part}"}).drills for part in ("/90s", ""))

    assert (given_time.limit_seconds, usual.limit_seconds) == (90, 3600)


BAD = {
    "unknown": ("flod", "there is no drill 'flod'. Did you mean flood? Allowed: bad, flood, gentle, swap"),
    "no name": ("/then", "there is no drill ''. Allowed: bad, flood"),
    "unknown part": ("flood/than", "'than' is no part of it; allowed: NAME[/then][/calm][/SECONDSs], as in"),
    "no time": ("flood/0s", "'0s' is no part of it; allowed: NAME[/then]"),
    "minutes": ("flood/5m", "'5m' is no part of it; allowed: NAME[/then]"),
    "other digits": ("flood/٣s", "'٣s' is no part of it; allowed: NAME[/then]"),
    "slash at the end": ("flood/", "'' is no part of it; allowed: NAME[/then]"),
    "twice": ("flood/then/then", "a part is given twice; allowed: NAME[/then]"),
    "two times": ("flood/1s/2s", "a part is given twice; allowed: NAME[/then]"),
    "no design of the time": ("swap/then", "swap has no `then`; allowed: swap alone, or flood"),
    "too long": ("flood/3601s", "3601s is longer than drills.longest_seconds; allowed: 1s to 3600s"),
    "knob that does not exist": (
        "bad",
        "forwarder.wokers: no such key. Did you mean workers? Allowed here: workers",
    ),
}


@pytest.mark.parametrize(("value", "says"), BAD.values(), ids=BAD.keys())
def test_a_bad_value_is_refused(lab: Path, value: str, says: str) -> None:
    with pytest.raises(InventoryError) as refused:
        load_exchange(lab, {"drill": value})

    assert str(refused.value).startswith(f"--data drill={value}: {says}")


def test_a_drill_brings_nobody_to_the_front_who_is_out_of_service(lab: Path) -> None:
    spoil(lab, "mx_priority: 20", "mx_priority: 20\n    active: false")

    with pytest.raises(InventoryError, match=r"drill=swap: mx2 is drained or inactive, .*; allowed: mx1$"):
        load_exchange(lab, {"drill": "swap"})


def test_where_real_mail_flows_only_the_harmless_are_run(files: Files) -> None:
    assert load_exchange(files.facts, {"drill": "gentle"}).forwarder.workers == 2
    for value, what in (("flood", "flood"), ("flood/then", "flood/then"), ("flood/calm", "flood")):
        with pytest.raises(InventoryError) as refused:
            load_exchange(files.facts, {"drill": value})
        assert str(refused.value) == (
            f"--data drill={value}: drills.allowed is harmless, and {what} is not: mail suffers; allowed: "
            "gentle, swap, or any there, in a lab"
        )


def test_where_none_is_allowed_none_is_run(files: Files) -> None:
    spoil(files.facts, "forwarder:", "drills: {allowed: none}\nforwarder:")

    with pytest.raises(InventoryError, match=r"drill=gentle: drills\.allowed is none: .* allowed: harmless"):
        load_exchange(files.facts, {"drill": "gentle"})


NAMES = some.from_regex(r"[a-z]+(-[a-z0-9]+)*", fullmatch=True)


@given(NAMES, some.booleans(), some.booleans(), some.none() | some.integers(1, 999_999), some.randoms())
def test_the_parts_may_stand_in_any_order(
    name: str, then: bool, calm: bool, seconds: int | None, chance: Any
) -> None:
    parts = ["then"] * then + ["calm"] * calm + ([f"{seconds}s"] if seconds else [])
    chance.shuffle(parts)

    assert words_of("/".join([name, *parts])) == Words(name, then, calm, seconds)


TREES = some.recursive(
    some.integers(),
    lambda inner: some.dictionaries(some.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
).filter(lambda tree: isinstance(tree, dict))


def leaves(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """What is no mapping, by its whole key."""
    found: dict[tuple[str, ...], Any] = {}
    for key, value in tree.items():
        found |= leaves(value, (*above, key)) if isinstance(value, dict) else {(*above, key): value}
    return found


@given(TREES, TREES)
def test_what_is_merged_has_all_of_the_upper_and_only_what_either_has(
    below: dict[str, Any], above: dict[str, Any]
) -> None:
    both, lower, upper = leaves(merged(below, above)), leaves(below), leaves(above)

    assert both.items() >= upper.items()
    assert (lower | upper).items() >= both.items()
    assert merged(below, {}) == below


@pytest.fixture(scope="module")
def the_lab() -> Path:
    return FOLDER / "exchange.yml"


REAL = drills.all_drills()
VARIANTS = [
    f"{name}{then}{calm}"
    for name, drill in REAL.items()
    for then in ("", "/then")
    for calm in ("", "/calm", "/60s")
    if drill.then or not then
]


@pytest.mark.parametrize("value", VARIANTS)
def test_every_drill_makes_a_valid_exchange_of_the_lab(
    value: str, the_lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drills, "all_drills", lambda: REAL)

    exchange = load_exchange(the_lab, {"drill": value})

    assert exchange.drills.under_way
    assert exchange.drills.under_way.name == value.partition("/")[0]
    assert Exchange.model_validate(exchange.model_dump(mode="json")) == exchange
