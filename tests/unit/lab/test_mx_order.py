"""Senders go by the MX records as they are now, and by the last known ones where nobody answers."""

import dns.exception
import pytest

from lab import mx_order
from lab.mx_order import MxOrder, Preferences
from lab.settings import LAB

FIRST, SECOND = LAB.hosts


class Resolver:
    def __init__(self, *answers: Preferences | None) -> None:
        self._answers = list(answers)

    async def ask(self, _domain: str) -> Preferences:
        answer = self._answers.pop(0)
        if answer is None:
            raise dns.exception.Timeout
        return answer


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mx_order, "ASK_SECONDS", 0)


def order(*answers: Preferences | None) -> MxOrder:
    return MxOrder(LAB.hosts, "alias.example", Resolver(*answers).ask)


async def test_the_lowest_preference_comes_first() -> None:
    turned = order([(10, FIRST.fqdn), (20, SECOND.fqdn)], [(30, FIRST.fqdn), (20, SECOND.fqdn)])

    assert await turned() == [FIRST, SECOND]
    assert await turned() == [SECOND, FIRST]


async def test_the_last_answer_holds_while_the_resolver_is_away() -> None:
    kept = order([(20, FIRST.fqdn), (10, SECOND.fqdn)], None)

    assert await kept() == await kept() == [SECOND, FIRST]


async def test_a_host_that_is_not_listed_is_tried_last() -> None:
    assert await order([(10, SECOND.fqdn), (5, "stranger.example")])() == [SECOND, FIRST]
