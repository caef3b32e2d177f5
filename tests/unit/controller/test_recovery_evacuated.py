"""Evacuating a host that is dying: what is asked of whom, and what stops it."""

import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pytest

from controller.errors import ControllerError
from controller.lock import Lock
from controller.recovery import evacuated
from controller.recovery.evacuated import Wishes
from controller.recovery.ledger import Ledger
from controller.recovery.onhost import OnHost
from controller.remote import Remote
from controller.rolling import run as rolling
from controller.rolling.agent import Order
from controller.rolling.gates import Clock
from tests.unit.controller.recovery_world import FakeRemote, fake
from tests.unit.controller.rolling_world import World, fleet, with_hosts
from tests.unit.roles.exchanges import MX1, exchange
from tests.unit.twinmx.recovering import message


def ready(world: World, remotes: dict[str, FakeRemote], *, waiting: list[int]) -> World:
    """mx1 says, look by look, how many wait in its queues; drained, its agent says so."""
    world.remotes = dict(remotes)
    mx1 = remotes["mx1"]
    mx1.host.root.joinpath("running").touch()

    def drained() -> str:
        world.hosts["mx1"].state, world.hosts["mx1"].order = "drained", Order(by="ada")
        return ""

    def stopped() -> str:
        mx1.host.root.joinpath("running").unlink(missing_ok=True)
        return ""

    mx1.commands["mxctl drain"] = drained
    mx1.commands["{ postqueue"] = lambda: f"{waiting.pop(0) if len(waiting) > 1 else waiting[0]}\n"
    mx1.commands["systemctl stop"] = stopped
    return world


def evacuate(world: World, **wishes: object) -> Ledger:
    return evacuated.evacuate(world, "mx1", Wishes(**wishes), Clock(lambda: world.now, world.sleep))  # type: ignore[arg-type]


def test_postfix_hands_over_itself_and_files_go_only_for_the_rest(remotes: dict[str, FakeRemote]) -> None:
    world = ready(World(exchange()), remotes, waiting=[5, 2, 0])

    assert evacuate(world).entries == []

    asked = [" ".join(command.split()[:2]) for command in remotes["mx1"].ran]
    assert asked == ["mxctl drain", "mxctl requeue", *["{ postqueue"] * 3, "systemctl stop"]
    assert "'twinmx evacuate'" in remotes["mx1"].ran[0]
    assert "--for" not in remotes["mx1"].ran[0], "it must not come back by itself"


def test_one_that_is_drained_for_a_time_is_drained_for_good(remotes: dict[str, FakeRemote]) -> None:
    """By an operator, or a converge that was broken off: it would come back with its Postfix stopped."""
    drained = {"state": "draining", "order": Order(by="root", reason="twinmx converge")}
    world = ready(with_hosts(exchange(), mx1=drained), remotes, waiting=[0])

    evacuate(world)

    assert remotes["mx1"].ran[0].startswith("mxctl drain --wait --reason")


def test_what_providers_put_off_goes_over_as_files_once(remotes: dict[str, FakeRemote]) -> None:
    mx1, mx2 = remotes["mx1"].host, remotes["mx2"].host
    mx1.put("out", "deferred/1/1A2B3C4D", message(1))
    world = ready(World(exchange()), remotes, waiting=[1])

    ledger = evacuate(world, patience_seconds=10.0)

    assert ledger.lines() == [("out", "deferred", [1, 1, 0, 0])]
    assert list(mx2.queued("out").values()) == [message(1)]
    assert mx1.queued("out") == {}
    assert evacuate(world, at_once=True).entries == [], "nothing is given a second time"


def test_one_that_was_broken_off_goes_on_and_adopts_nothing_twice(
    remotes: dict[str, FakeRemote], monkeypatch: pytest.MonkeyPatch
) -> None:
    mx1, mx2 = remotes["mx1"].host, remotes["mx2"].host
    mx1.put("out", "deferred/1/1A2B3C4D", message(1))
    world = ready(World(exchange()), remotes, waiting=[0])
    with monkeypatch.context() as patched:
        patched.setattr(OnHost, "take", _adopts_and_dies)
        with pytest.raises(ControllerError, match="connection lost"):
            evacuate(world)
    assert mx1.queued("out") == {}, "it is in no queue that Postfix could start with"

    ledger = evacuate(world, at_once=True)

    assert [ledger.count(state) for state in ("adopted", "known")] == [0, 1]
    assert list(mx2.queued("out").values()) == [message(1)]


_take = OnHost.take


def _adopts_and_dies(host: OnHost, *arguments: object) -> None:
    _take(host, *arguments)  # type: ignore[arg-type]
    raise ControllerError("connection lost")


def test_what_did_not_come_over_is_not_forgotten(
    remotes: dict[str, FakeRemote], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller whose disk is full has a shorter archive, and ssh may end with 0."""
    mx1, mx2 = remotes["mx1"].host, remotes["mx2"].host
    for number in (1, 2):
        mx1.put("out", f"deferred/1/1A2B3C4{number}", message(number))
    world = ready(World(exchange()), remotes, waiting=[0])
    with monkeypatch.context() as patched:
        patched.setattr(OnHost, "give", _cut_off)
        with pytest.raises(ControllerError, match=r"2 messages were taken .* mx2 has seen 1: the same again"):
            evacuate(world)

    assert evacuate(world, at_once=True).count("adopted") == 1
    assert sorted(mx2.queued("out").values()) == [message(1), message(2)]


_give = OnHost.give


def _cut_off(host: OnHost, words: Sequence[str], target: BinaryIO) -> None:
    _give(host, words, target)
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        cut = tar.getmembers()[-1].offset
    target.truncate(cut)


def test_what_waits_for_pickup_on_the_dying_host_is_named(remotes: dict[str, FakeRemote]) -> None:
    remotes["mx1"].host.put("in", "maildrop/1A2B3C4D", b"T...")
    world = ready(World(exchange()), remotes, waiting=[0])

    assert evacuate(world).lines() == [("in", "maildrop", [1, 0, 0, 1])]


def test_not_where_nobody_can_take_the_mail(remotes: dict[str, FakeRemote]) -> None:
    world = ready(with_hosts(exchange(), mx2={"well": False}), remotes, waiting=[0])

    with pytest.raises(
        ControllerError, match=r"nobody can take the mail of mx1 .*mx2: it is not well: postfix"
    ):
        evacuate(world)
    assert remotes["mx1"].ran == []

    alone = ready(World(exchange(MX1)), {"mx1": remotes["mx1"]}, waiting=[0])
    with pytest.raises(ControllerError, match="there is no other"):
        evacuate(alone)


def test_without_an_agent_only_at_once(remotes: dict[str, FakeRemote]) -> None:
    remotes["mx1"].host.put("in", "active/1A2B3C4D", message(1))
    world = ready(with_hosts(exchange(), mx1={"state": "silent"}), remotes, waiting=[0])

    with pytest.raises(
        ControllerError, match=r"cannot be drained: its failover agent does not answer.*--at-once"
    ):
        evacuate(world)
    assert remotes["mx1"].ran == []

    evacuate(world, at_once=True)

    assert [command.split()[0] for command in remotes["mx1"].ran] == ["systemctl"]
    assert list(remotes["mx2"].host.queued("in").values()) == [message(1)]


def test_nobody_takes_another_host_out_meanwhile(
    remotes: dict[str, FakeRemote], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also none that the mail does not go to: two evacuations of a fleet would leave too few."""
    remotes["mx3"] = fake(tmp_path, "mx3")
    locked: set[str] = set()

    def lock(hosts: Sequence[Remote], others: Sequence[Remote]) -> Lock:
        locked.update(host.name for host in (*hosts, *others))
        return Lock([])

    monkeypatch.setattr(rolling, "Lock", lock)
    monkeypatch.setattr(evacuated, "lock_of", rolling.lock_of)

    evacuate(ready(World(fleet(3)), remotes, waiting=[0]))

    assert locked == {"mx1", "mx2", "mx3"}
