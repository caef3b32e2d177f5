"""Warm standby: a share of what an exchanger takes leaves through its peer, and the rest does not."""

import asyncio
import json

from inventory.schema import Exchange
from lab import ssh
from lab.settings import LAB, LabHost
from lab.traffic import Journal, Load, compose, new_run, send_all
from lab.waiting import until

LETTERS = 300


def _queued(host: LabHost) -> set[str]:
    return {json.loads(line)["queue_id"] for line in ssh.on(host, "postqueue -j").splitlines()}


def test_the_share_of_the_inventory_leaves_through_the_peer(exchange: Exchange) -> None:
    first, second = LAB.hosts[0], LAB.hosts[1]
    load = Load(messages=LETTERS, hosts=(first,))
    journal = Journal(new_run())

    asyncio.run(send_all(compose(load, journal.run), load, journal))
    ids = {sent.accepted.queue_id for sent in journal.sent if sent.accepted}
    until(lambda: not ids & _queued(first), 60, f"the letters out of the queue of {first.alias}")

    log = ssh.on(first, f"journalctl -q -o cat -u 'postfix*' --grep 'relay={second.address}.*status=sent'")
    through_peer = {line.partition(":")[0] for line in log.splitlines()} & ids
    expected = LETTERS * exchange.failover.standby_share / 100
    assert len(ids) == LETTERS
    # by chance alone it is less, or more, once in a million runs
    assert 0 < len(through_peer) < 2.5 * expected
