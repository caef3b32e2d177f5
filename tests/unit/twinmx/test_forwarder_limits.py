"""The replay of June 2021: the forwarder defers what is over a limit, after the queue."""

from pathlib import Path

import pytest

from tests.unit.twinmx.peers import Raw
from tests.unit.twinmx.world import MESSAGE, SRS, World
from twinmx.limits.settings import Limits


def limits(tmp_path: Path, code: int) -> Limits:
    window = {"count": 2, "window_seconds": 3600}
    return Limits.model_validate(
        {
            "alias": window,
            "mailbox": {**window, "count": 100},
            "answer": code,
            "text": "5.2.1 too many messages",
            "valkey": {"socket": tmp_path / "nobody.sock", "wait_seconds": 0.1},
        }
    )


@pytest.mark.parametrize("code", [450, 421])
async def test_a_replay_of_june_2021_defers_after_the_queue(world: World, code: int, tmp_path: Path) -> None:
    """Valkey is away here, so the worker counts by itself."""
    world.limits = limits(tmp_path, code)
    await world.start()
    world.sink.final = "451 4.3.0 not now"
    for _ in range(3):
        assert await world.send() == "451 4.3.0 not now", "what was not accepted does not count"
    world.sink.final = "250 2.0.0 ok"
    assert [(await world.send())[:9] for _ in range(3)] == ["250 2.0.0", "250 2.0.0", f"{code} 4.2.1"]
    assert (await world.send(to="pair@alias.example")).startswith("250")
    bounce = SRS.rewrite("a@sender.example", "alias.example")
    for _ in range(3):
        assert (await world.send(to=bounce, sender="")).startswith("250")
    assert world.outcomes()["limited"] == 1


async def test_a_session_ends_with_a_421(world: World, tmp_path: Path) -> None:
    world.limits = limits(tmp_path, 421)
    await world.start()
    raw = await Raw.connect(world.server.port)
    await raw.ask("EHLO mx1")
    for code in ("250", "250", "421"):
        for command in ("MAIL FROM:<a@sender.example>", "RCPT TO:<hello@alias.example>", "DATA"):
            await raw.ask(command)
        assert (await raw.ask(MESSAGE.decode() + ".")).startswith(code)
    assert await raw.ended()
