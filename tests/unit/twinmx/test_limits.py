"""What programs ask of the limits, counted in an imitation of Valkey."""

import asyncio

import pytest

from tests.unit.twinmx.limiting import ALIAS, OTHER, MakeLimiter, settings
from twinmx.limits.limiter import Admission
from twinmx.limits.settings import BOUNCES, Valkey


@pytest.mark.usefixtures("valkey")
async def test_an_alias_takes_its_limit_and_no_more(make_limiter: MakeLimiter) -> None:
    world = make_limiter(settings())

    answers = [await world.admit() for _ in range(3)]

    assert [answer.allowed for answer in answers] == [True, True, False]
    assert answers[-1].over == "alias"
    assert world.metric("twinmx_limits_decisions_total", outcome="allowed", by="valkey") == 2
    assert world.metric("twinmx_limits_decisions_total", outcome="alias", by="valkey") == 1


@pytest.mark.usefixtures("valkey")
async def test_all_aliases_of_a_mailbox_count_together(make_limiter: MakeLimiter) -> None:
    world = make_limiter(settings(alias=10))

    answers = [await world.admit(f"alias-{number}@alias.example") for number in range(4)]

    assert [answer.over for answer in answers] == [None, None, None, "mailbox"]


@pytest.mark.usefixtures("valkey")
async def test_what_is_refused_is_counted_nowhere(make_limiter: MakeLimiter) -> None:
    world = make_limiter(settings(alias=2, mailbox=3))
    for _ in range(10):
        await world.admit()

    assert (await world.admit(OTHER)).allowed
    assert (await world.admit(OTHER)).over == "mailbox"


@pytest.mark.usefixtures("valkey")
async def test_bounces_have_a_wider_window_of_their_own(make_limiter: MakeLimiter) -> None:
    world = make_limiter(settings(alias=2))

    async def bounce() -> Admission:
        return await world.limiter.admit(ALIAS, [], account=None, sender="", bounce=True)

    first = await bounce()
    assert [(await bounce()).over for _ in range(2 * BOUNCES)] == [*[None] * (2 * BOUNCES - 1), "alias"]
    await world.limiter.release(first)
    assert (await bounce()).allowed
    assert (await world.admit()).allowed
    assert world.metric("twinmx_limits_decisions_total", outcome="alias", by="valkey") == 1


@pytest.mark.usefixtures("valkey")
async def test_workers_count_together(make_limiter: MakeLimiter) -> None:
    one, two = make_limiter(settings()), make_limiter(settings())
    await one.admit()
    await two.admit()

    assert [(await one.admit()).over, (await two.admit()).over] == ["alias", "alias"]


@pytest.mark.usefixtures("valkey")
async def test_messages_at_the_same_moment_do_not_slip_through_together(make_limiter: MakeLimiter) -> None:
    worlds = [make_limiter(settings(alias=5, mailbox=100)) for _ in range(3)]

    answers = await asyncio.gather(*(world.admit() for world in worlds * 10))

    assert sum(answer.allowed for answer in answers) == 5


@pytest.mark.usefixtures("valkey")
async def test_a_message_given_back_makes_room(make_limiter: MakeLimiter) -> None:
    world = make_limiter(settings())
    first = await world.admit()
    await world.admit()
    await world.limiter.release(first)

    assert [(await world.admit()).allowed, (await world.admit()).allowed] == [True, False]


@pytest.mark.usefixtures("valkey")
async def test_giving_back_a_refused_message_changes_nothing(make_limiter: MakeLimiter) -> None:
    world = make_limiter(settings())
    refused = [await world.admit() for _ in range(3)][-1]
    await world.limiter.release(refused)

    assert not (await world.admit()).allowed


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({}, "give socket, or all of address, port and certificate"),
        ({"socket": "/s", "port": 1}, "give socket, or all of address, port and certificate"),
        ({"address": "192.0.2.1", "port": 1}, "give socket, or all of address, port and certificate"),
        ({"socket": "/s", "wait_seconds": 0}, "greater than 0"),
    ],
)
def test_a_valkey_that_cannot_be_is_refused(place: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Valkey.model_validate({"wait_seconds": 0.1} | place)
