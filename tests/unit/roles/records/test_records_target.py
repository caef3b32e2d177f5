"""Who changes the zones, by configuration alone."""

import pytest
from octodns.record.rr import Rrset

from inventory.load import InventoryError
from inventory.masking import hide
from inventory.schema import Exchange
from inventory.secrets import Secrets
from roles.lib.records.target import Primary, target_of
from roles.lib.records.zones import UNKNOWN, by_zone, plan_zone
from tests.unit.roles.exchanges import exchange, secrets
from tests.unit.roles.records.kept_zones import TOKEN, KeptZones
from tests.unit.roles.records.made import EVERYTHING, records

KEPT = "tests.unit.roles.records.kept_zones.KeptZones"


def hosted(python_class: str = KEPT, **options: object) -> Exchange:
    """An exchange whose zones a provider keeps."""
    rest = {key: value for key, value in EVERYTHING.items() if key != "server"}
    return exchange(dns=rest | {"provider": {"python_class": python_class, "options": options}})


def with_options(**options: str) -> Secrets:
    """Secrets with those of a provider, which are masked as if they had been loaded."""
    hide(*options.values())
    return Secrets.model_validate(secrets().model_dump() | {"dns_provider": options})


def test_a_server_is_spoken_to_with_its_key() -> None:
    target = target_of(exchange(dns={"server": "198.51.100.10", "port": 5353}), secrets())

    assert isinstance(target, Primary)
    assert (target.host, target.port, target.key_name) == ("198.51.100.10", 5353, "twinmx")


def test_updates_need_the_key() -> None:
    keyless = secrets().model_copy(update={"tsig_keys": ()})

    with pytest.raises(InventoryError, match=r"secrets\.yml: tsig_keys: missing"):
        target_of(exchange(), keyless)


def test_any_provider_of_octodns_takes_the_whole_plan_by_its_class_and_options() -> None:
    of = hosted(account="ours")
    target = target_of(of, with_options(token=TOKEN))
    assert isinstance(target, KeptZones)
    theirs = Rrset("alias.example.", "TXT", 900, ['"proof=42"'])
    target.sets[theirs.name, "TXT"] = theirs
    wanted = by_zone(records(of).values(), of.domains)[0]["alias.example"]

    changes, _ = plan_zone("alias.example", wanted, 300, target)
    assert changes
    target.apply(changes)

    assert len(target.sets) == len(wanted)
    (spf,) = records(of)["alias.example", "TXT"].values
    assert set(target.sets["alias.example.", "TXT"].rdatas) == {'"proof=42"', spf}
    assert plan_zone("alias.example", wanted, 300, target)[0] is None


def test_a_type_that_a_provider_does_not_know_is_left_and_the_rest_is_planned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(KeptZones, "SUPPORTS", KeptZones.SUPPORTS - {"TLSA"})
    of = hosted(account="ours")
    wanted = by_zone(records(of).values(), of.domains)[0]["alias.example"]

    changes, ours = plan_zone("alias.example", wanted, 300, target_of(of, with_options(token=TOKEN)))

    assert changes
    assert len(changes.changes) == len(wanted) - 1
    assert {record.kind: why for record, why in ours.left.items()} == {"TLSA": UNKNOWN}


@pytest.mark.parametrize(
    ("python_class", "options", "hidden", "says"),
    [
        ("no_such_package.Provider", {}, {}, "No module named 'no_such_package'; allowed: a provider"),
        ("octodns.provider.base.NoProvider", {}, {}, "octodns.provider.base has no NoProvider"),
        ("octodns.zone.Zone", {}, {}, "octodns.zone.Zone: no provider of octoDNS"),
        (KEPT, {}, {"token": TOKEN}, "does not take them: .*missing 1 required .* 'account'"),
        (KEPT, {"account": "a", "colour": "red"}, {"token": TOKEN}, "unexpected keyword argument 'colour'"),
        (
            KEPT,
            {"account": "a", "token": "t"},
            {"token": TOKEN},
            "token: stands in the secrets .* too",
        ),
        (
            KEPT,
            {"account": "a"},
            {"token": "another-token"},
            "no such token: \\[a secret\\]; secret",
        ),
    ],
)
def test_a_provider_that_does_not_work_is_told_without_its_secrets(
    python_class: str, options: dict[str, object], hidden: dict[str, str], says: str
) -> None:
    with pytest.raises(InventoryError, match=says) as refused:
        target_of(hosted(python_class, **options), with_options(**hidden))

    assert not [secret for secret in hidden.values() if secret in str(refused.value)]
