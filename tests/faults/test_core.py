"""The short form of the fault table, and the proof on real hosts that its ledger sees what is wrong.

Nothing else may use the pair while these run.
"""

import asyncio
import time
from collections.abc import Iterator

import pytest

from lab import ssh
from lab.ledger import Result, account
from lab.ledger_places import Places, settle
from lab.settings import LAB
from lab.traffic import Journal, Load, Sent, compose, new_run, send_all
from lab.traffic_session import attempt
from lab.well import wait_until_whole
from tests.faults.cases import CORE
from tests.faults.drill import Case, UnavailableError, run
from tests.faults.hosts import MX1
from tests.holding import agents_held
from tests.systemd import stopped

pytestmark = pytest.mark.changes

LOAD = Load(messages=100, rate=20)
FEW = Load(messages=6, rate=20)
FORWARDER = ("forwarder.target", "forwarder@*.service")


@pytest.fixture(scope="module", autouse=True)
def no_failover() -> Iterator[None]:
    """The ledger is of the path itself; what the agents make of a fault is looked at elsewhere."""
    with agents_held(LAB.hosts):
        yield


@pytest.mark.parametrize("case", CORE, ids=lambda case: case.name.replace(" ", "-"))
def test_nothing_is_lost_refused_or_repeated_beyond_what_was_in_hand(case: Case) -> None:
    try:
        result = run(case, LOAD)
    except UnavailableError as error:
        pytest.skip(str(error))

    assert result.well, result.complaints
    assert result.accepted == result.sent
    assert not result.left


def balanced(letters: list[Sent], run: str, since: float) -> Result:
    return account("live", FEW.seed, letters, settle(letters, Places(run, since), 60))


def test_the_ledger_sees_a_message_that_was_deleted_from_a_queue() -> None:
    name, since = new_run(), time.time()
    letters = compose(FEW, name)
    with stopped(MX1, *FORWARDER), stopped(LAB.hosts[1], *FORWARDER):
        asyncio.run(send_all(letters, FEW, Journal(name)))
        victim = next(sent for sent in letters if sent.accepted and sent.accepted.host == MX1.alias)
        assert victim.accepted
        ssh.on(MX1, f"postsuper -d {victim.accepted.queue_id}")
    wait_until_whole()
    for host in LAB.hosts:
        ssh.on(host, "postqueue -f")

    result = balanced(letters, name, since)

    assert result.lost == [(victim.letter.ident, mailbox) for mailbox in victim.address.mailboxes]
    assert result.delivered == result.copies - len(result.lost)


def test_the_ledger_sees_a_message_that_was_delivered_twice() -> None:
    name, since = new_run(), time.time()
    letters = compose(FEW, name)
    asyncio.run(send_all(letters, FEW, Journal(name)))
    again = asyncio.run(attempt(MX1, letters[0].letter))
    assert again.accepted

    result = balanced(letters, name, since)

    copies = [(letters[0].letter.ident, mailbox) for mailbox in letters[0].address.mailboxes]
    assert result.unexplained == copies
    assert not result.lost
