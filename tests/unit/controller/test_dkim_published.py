"""Whether resolvers find a pair of DKIM keys, before anything is signed with it."""

import pytest

from controller.dns import published
from controller.dns.asking import resolver_at
from controller.dns.published import refuse_unpublished, unpublished
from controller.errors import ControllerError
from roles.lib.records.dkim import dkim
from roles.lib.records.keys import Keys, dkim_keys
from tests.unit.controller.answering import World, resolving, well
from tests.unit.roles.exchanges import exchange
from tests.unit.roles.records.made import with_dkim

OLD, NEW = with_dkim().dkim_keys


def world() -> World:
    """Both pairs are published."""
    return well(exchange(), dkim(exchange(), Keys(dkim=dkim_keys([OLD, NEW]))), {})


async def told(*worlds: World, patience: float = 30.0) -> str:
    async with resolving(*worlds, patience=patience) as resolvers:
        return await unpublished(exchange(), NEW, resolvers)


async def test_a_pair_that_all_resolvers_find_may_sign() -> None:
    assert await told(world(), world()) == ""


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
@pytest.mark.parametrize("domain", ["alias.example", "masked.example"])
async def test_one_missing_record_at_one_resolver_is_enough_to_wait(domain: str, kind: str) -> None:
    late = world()
    late.drop(f"{NEW.name}-{kind}._domainkey.{domain}", "TXT")

    assert await told(world(), late) == (
        f"{NEW.name}-{kind}._domainkey.{domain} TXT does not exist: receivers cannot verify our signatures "
        "with this key (second)"
    )


async def test_another_key_at_its_place_is_not_the_pair() -> None:
    stale = world()
    name = f"{NEW.name}-rsa._domainkey.alias.example"
    stale.put(name, "TXT", '"v=DKIM1; h=sha256; k=rsa; p=AAAA"')

    assert f"{name} TXT says something else" in await told(stale)


async def test_what_a_resolver_does_not_say_is_not_known() -> None:
    away = world()
    away.silent.add(f"{NEW.name}-rsa._domainkey.masked.example")

    assert "first cannot be asked for" in await told(away, patience=0.2)


def test_an_operator_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "resolvers_of", lambda _: {"nobody": resolver_at("127.0.0.1", 1, 0.1)})

    with pytest.raises(ControllerError, match=r"^dkim_keys: nobody cannot be asked for k2-"):
        refuse_unpublished(exchange(), NEW)
