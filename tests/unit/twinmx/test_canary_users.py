"""The canary's mail at the gate and the forwarder: handled like any other, and counted for no user."""

from pathlib import Path

from tests.unit.twinmx.conftest import ALIASES
from tests.unit.twinmx.gatehouse import ALIAS_LIMIT, HELLO, Gatehouse, mta_of, sent
from tests.unit.twinmx.peers import Engines
from tests.unit.twinmx.test_forwarder_limits import limits
from tests.unit.twinmx.world import World, header
from twinmx.aliases.model import Alias
from twinmx.aliases.update import build_snapshot

CANARY = Alias("canary-mx1@alias.example", ("canary@mx1.canary.invalid",))
BIRDS = frozenset({CANARY.address})


def with_canary(snapshot: Path) -> None:
    build_snapshot(sorted((*ALIASES, CANARY), key=lambda alias: alias.address), snapshot)


async def test_the_gate_scans_it_and_counts_it_against_no_limit(gate: Gatehouse, fake: Engines) -> None:
    with_canary(gate.snapshot)
    gate.engines["rspamd"] = await fake.rspamd(0.5, [])
    await gate.start(canaries=BIRDS)
    for _ in range(ALIAS_LIMIT + 2):
        inserted, last = (await sent(gate, CANARY.address.upper()))[-2:]

    assert inserted[1].startswith(b"\0\0\0\0X-Twinmx-Spam\0 ")
    assert last == (b"c", b"")
    assert gate.counted("recipients_total", outcome="canary") == ALIAS_LIMIT + 2
    assert gate.counted("recipients_total", outcome="accepted") == 0
    assert gate.registry.get_sample_value("twinmx_limits_seconds_count") == 0


async def test_the_gate_s_figures_of_users_do_not_know_it(gate: Gatehouse, fake: Engines) -> None:
    with_canary(gate.snapshot)
    gate.engines["rspamd"] = await fake.rspamd(0.5, [])
    await gate.start(canaries=BIRDS)
    await sent(gate, CANARY.address)

    assert gate.counted("messages_total", outcome="canary") == 1
    assert gate.counted("messages_total", outcome="accepted") == 0
    assert gate.counted("seconds_count") == 0

    await sent(gate, CANARY.address, HELLO)
    assert gate.counted("messages_total", outcome="accepted") == 1


async def test_the_gate_refuses_its_spam(gate: Gatehouse, fake: Engines) -> None:
    with_canary(gate.snapshot)
    gate.engines["rspamd"] = await fake.rspamd(15.0, ["GTUBE"])
    await gate.start(canaries=BIRDS)
    mta = await mta_of(gate)
    await mta.mail(b"<>")
    await mta.rcpt(CANARY.address)

    ((letter, reply),) = await mta.data()
    assert (letter, reply[:9]) == (b"y", b"550 5.7.1")
    assert gate.counted("messages_total", outcome="canary") == 1
    assert gate.counted("messages_total", outcome="spam") == 0
    mta.close()


async def test_the_forwarder_counts_it_apart_and_limits_it_never(
    world: World, fake: Engines, tmp_path: Path
) -> None:
    with_canary(world.snapshot)
    world.canaries = BIRDS
    world.limits = limits(tmp_path, 450)
    world.engines["rspamd"] = await fake.rspamd(0.5, [])
    await world.start()
    for _ in range(4):
        assert (await world.send(to=CANARY.address, sender="")).startswith("250")

    assert [envelope.rcpt_tos for envelope in world.sink.accepted] == [["canary@mx1.canary.invalid"]] * 4
    content = world.sink.accepted[0].content
    assert isinstance(content, bytes)
    assert header(content, "X-Twinmx-Spam").startswith("engine=rspamd")
    assert world.outcomes() == {"canary": 4}
    assert world.scanned() == {}
    assert world.metrics.registry.get_sample_value("twinmx_forwarder_seconds_count") == 0


async def test_its_spam_that_comes_past_the_gate_is_not_kept(world: World, fake: Engines) -> None:
    """The quarantine is for what somebody may want back."""
    with_canary(world.snapshot)
    world.canaries = BIRDS
    world.engines["rspamd"] = await fake.rspamd(15.0, ["GTUBE"])
    await world.start()

    assert (await world.send(to=CANARY.address, sender="")).startswith("550 5.7.1")
    assert not list(world.quarantine.iterdir())
    assert not world.sink.accepted
