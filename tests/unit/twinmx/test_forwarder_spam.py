"""What the forwarder makes of a verdict, the gate's or its own: a field, or a place in quarantine."""

import asyncio
import threading
from typing import Any

import pytest

from tests.unit.twinmx.peers import Engines
from tests.unit.twinmx.world import KEY, MESSAGE, World, header
from twinmx.quarantine import Quarantine
from twinmx.spam.verdict import Scored, Unscanned, Verdict, seal


async def test_a_forged_verdict_does_not_survive(world: World, fake: Engines) -> None:
    world.engines["rspamd"] = await fake.rspamd(1.25, ["R_SPF_ALLOW"])
    await world.start()
    forged = b"x-twinmx-spam: engine=rspamd; score=-99;\r\n folded\r\nX-Twinmx-Spam-Extra: 1\r\n"
    await world.send(forged + MESSAGE)
    assert world.delivered().lower().count(b"x-twinmx-spam") == 1
    assert header(world.delivered(), "X-Twinmx-Spam").startswith("engine=rspamd; score=1.25; reject=15.0")


async def test_spam_is_kept_not_bounced(world: World, fake: Engines) -> None:
    world.engines["spamassassin"] = await fake.spamd(1000.0, ["GTUBE"])
    await world.start()
    assert (await world.send()).startswith("250")
    assert not world.sink.accepted
    store = Quarantine(world.quarantine)
    (name,) = store.names()
    item = store.read(name)
    assert item.message.endswith(MESSAGE)
    assert b"symbols=GTUBE" in item.message
    assert item.envelope["recipient"] == "hello@alias.example"
    assert item.envelope["verdict"]["score"] == 1000.0


async def test_a_quarantine_that_cannot_be_written_keeps_the_message_with_postfix(
    world: World, fake: Engines
) -> None:
    world.engines["rspamd"] = await fake.rspamd(99.0, [])
    await world.start()
    world.quarantine.rmdir()
    assert (await world.send()).startswith("451 4.3.0")


@pytest.mark.parametrize(
    ("grace_seconds", "reply", "outcome"), [(5.0, "250", "quarantined"), (0.1, "451 4.4.2", "deadline")]
)
async def test_what_is_being_kept_at_the_deadline_is_not_kept_again(
    world: World,
    fake: Engines,
    monkeypatch: pytest.MonkeyPatch,
    grace_seconds: float,
    reply: str,
    outcome: str,
) -> None:
    """A 451 would bring the message back while a slow disk still takes the first copy."""
    world.engines["rspamd"] = await fake.rspamd(99.0, [])
    disk, store = threading.Event(), Quarantine.store

    def slowly(self: Quarantine, *arguments: Any) -> str:
        disk.wait(5)
        return store(self, *arguments)

    monkeypatch.setattr(Quarantine, "store", slowly)
    await world.start(total_seconds=0.2, grace_seconds=grace_seconds)
    asyncio.get_running_loop().call_later(0.5, disk.set)
    assert (await world.send()).startswith(reply)
    assert world.outcomes() == {outcome: 1}
    disk.set()


async def test_the_engine_learns_who_sent_it(world: World, fake: Engines) -> None:
    world.engines["rspamd"] = await fake.rspamd(0.0, [])
    await world.start()
    await world.send()
    request = fake.requests[0].lower()
    for line in (
        b"queue-id: 4bxyz1",
        b"from: a@sender.example",
        b"rcpt: hello@alias.example",
        b"ip: 203.0.113.9",
        b"helo: out",
        b"hostname: out.sender.example",
    ):
        assert b"\r\n" + line + b"\r\n" in request


@pytest.mark.parametrize("fault", ["silent", "garbage", "refused", "closing"])
async def test_mail_moves_on_when_both_engines_fail(world: World, fake: Engines, fault: str) -> None:
    world.engines["rspamd"] = await fake.rspamd_fault(fault)
    world.engines["spamassassin"] = await fake.spamd_fault(fault)
    await world.start()
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    assert (await world.send()).startswith("250")
    assert loop.time() - started_at < 1.5
    assert header(world.delivered(), "X-Twinmx-Spam").startswith("engine=none; reason=rspamd:")


def sealed(verdict: Verdict, ident: str = "4bXyZ1", key: bytes = KEY) -> bytes:
    """The message as the gate leaves it."""
    name, value = seal(verdict, 15.0, key, ident)
    return name + b": " + value.replace(b"\n", b"\r\n") + b"\r\n" + MESSAGE


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Scored("rspamd", 3.5, ("R_SPF_ALLOW",), 0.1), "engine=rspamd; score=3.5"),
        (Unscanned("rspamd:late", 15.0), "engine=none; reason=rspamd:late"),
    ],
)
async def test_the_verdict_of_the_gate_is_taken_over(
    world: World, fake: Engines, verdict: Verdict, said: str
) -> None:
    world.engines["rspamd"] = await fake.rspamd(99.0, [])
    await world.start()
    assert (await world.send(sealed(verdict))).startswith("250")
    assert not fake.requests
    assert world.delivered().count(b"X-Twinmx-Spam") == 1
    field = header(world.delivered(), "X-Twinmx-Spam")
    assert field.startswith(said)
    assert "mark" not in field
    assert world.scanned() == {"gate": 1}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(sealed(Scored("rspamd", 0.0, (), 0.1), ident="4bXyZ2"), id="another message's"),
        pytest.param(sealed(Scored("rspamd", 0.0, (), 0.1), key=b"x" * 32), id="another key"),
        pytest.param(sealed(Scored("rspamd", 0.0, (), 0.1)).replace(b"=0.00", b"=-9.00"), id="changed"),
        pytest.param(MESSAGE, id="none"),
    ],
)
async def test_without_a_verdict_of_the_gate_the_forwarder_scans(
    world: World, fake: Engines, message: bytes
) -> None:
    world.engines["rspamd"] = await fake.rspamd(99.0, [])
    await world.start()
    assert (await world.send(message)).startswith("250")
    assert not world.sink.accepted
    assert world.outcomes() == {"quarantined": 1}
    assert world.scanned() == {"forwarder": 1}
