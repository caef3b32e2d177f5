"""Backup, restore, evacuate, adopt and rebuild: what is asked of whom, and what stops it."""

import shlex
import sys
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

import pytest

from controller import remote as controller_remote
from controller.errors import ControllerError
from controller.lock import Lock
from controller.recovery import adopted, evacuated, onhost, rebuilt, saved
from controller.recovery.evacuated import Wishes
from controller.recovery.ledger import Ledger
from controller.recovery.onhost import OnHost
from controller.remote import Answer, Remote
from controller.rolling import run as rolling
from controller.rolling.agent import Order
from controller.rolling.gates import Clock
from controller.rolling.run import Options
from tests.unit.controller.rolling_world import World, with_hosts
from tests.unit.roles.exchanges import MX1, exchange
from tests.unit.twinmx.recovering import Host, message, program
from twinmx.quarantine import Quarantine
from twinmx.recovery.archive import check

PROGRAM = "recovery"


@dataclass(frozen=True)
class FakeRemote(Remote):
    """A host below a directory; `commands` are answered by what they begin with, `ran` is what was asked."""

    host: Host = field(kw_only=True)
    commands: dict[str, Callable[[], str]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def try_(self, command: str, *, given: str = "", seconds: float = 0.0) -> Answer:
        if command.startswith(PROGRAM):
            status, output, errors = program(self.host, shlex.split(command)[1:])
            return Answer(status, output.decode(), errors)
        self.ran.append(command)
        for begin, answer in self.commands.items():
            if command.startswith(begin):
                return Answer(0, answer(), "")
        return Answer(0, "", "")


@pytest.fixture
def remotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeRemote]:
    """mx1 and mx2 as directories of this machine."""
    made = {name: fake(tmp_path, name) for name in ("mx1", "mx2")}

    def run(host: OnHost, words: Sequence[str], source: BinaryIO | int, target: IO[bytes]) -> None:
        assert isinstance(host.remote, FakeRemote)
        given = None if isinstance(source, int) else source
        status, output, errors = program(host.remote.host, words, given)
        target.write(output)
        if status:
            raise ControllerError(f"{host.name}: {errors.strip()}")

    monkeypatch.setattr(onhost, "PROGRAM", (PROGRAM,))
    monkeypatch.setattr(OnHost, "_run", run)
    for module in (saved, adopted, evacuated):
        monkeypatch.setattr(module, "Lock", lambda _: Lock([]))
    return made


def fake(tmp_path: Path, name: str) -> FakeRemote:
    return FakeRemote(name, {}, host=Host.make(tmp_path / name))


def quarantined(remote: FakeRemote) -> set[str]:
    return set(Quarantine(remote.host.places.quarantine).names())


def put_spam(remote: FakeRemote) -> str:
    return Quarantine(remote.host.places.quarantine).store(b"spam\r\n", {"sender": "a@b.example"}, "4ABC")


# --- backup and restore -------------------------------------------------------------------------------


def test_a_backup_is_one_private_file_that_a_restore_puts_back(
    remotes: dict[str, FakeRemote], tmp_path: Path
) -> None:
    name, file = put_spam(remotes["mx1"]), tmp_path / "mx1.tar"

    saved.backup(remotes["mx1"], file)

    assert file.stat().st_mode & 0o777 == 0o600
    assert check(file, "mx1").count("quarantine") == 1
    for path in (remotes["mx1"].host.places.quarantine / name).iterdir():
        path.unlink()
    (remotes["mx1"].host.places.quarantine / name).rmdir()
    for _ in range(2):
        saved.restore(remotes["mx1"], file)
        assert quarantined(remotes["mx1"]) == {name}


def test_a_backup_that_breaks_off_leaves_the_older_one(
    remotes: dict[str, FakeRemote], tmp_path: Path
) -> None:
    file = tmp_path / "mx1.tar"
    saved.backup(remotes["mx1"], file)
    older = file.read_bytes()
    remotes["mx1"].host.places.overrides.write_text("{damaged")

    with pytest.raises(ControllerError, match=r"mx1: .*overrides\.json"):
        saved.backup(remotes["mx1"], file)

    assert file.read_bytes() == older
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_foreign_or_damaged_backup_is_refused_before_the_host_is_asked(
    remotes: dict[str, FakeRemote], tmp_path: Path
) -> None:
    put_spam(remotes["mx1"])
    file = tmp_path / "mx1.tar"
    saved.backup(remotes["mx1"], file)

    with pytest.raises(ControllerError, match=r"is a backup of mx1, not of mx2. Nothing was touched"):
        saved.restore(remotes["mx2"], file)
    file.write_bytes(file.read_bytes()[:700])
    with pytest.raises(ControllerError, match="Nothing was touched"):
        saved.restore(remotes["mx1"], file)
    with pytest.raises(ControllerError, match="No such file"):
        saved.restore(remotes["mx1"], tmp_path / "none.tar")
    assert quarantined(remotes["mx2"]) == set()


def test_over_a_connection_a_file_comes_whole_and_an_error_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with processes, as over ssh."""
    host, file = Host.make(tmp_path / "mx1"), tmp_path / "mx1.tar"
    words = (sys.executable, "-m", "tests.unit.twinmx.recovering", "--root", str(host.root))
    monkeypatch.setattr(onhost, "PROGRAM", words)
    monkeypatch.setattr(onhost, "ssh", lambda _, command: ["sh", "-c", command])
    remote = Remote("mx1", {})

    saved.backup(remote, file)

    assert check(file, "mx1").host == "mx1"
    with file.open("rb") as source, pytest.raises(ControllerError, match=r"mx1: .*is a backup of mx1, not"):
        OnHost(remote).take(["restore", "mx9"], source)


def test_a_host_with_an_older_release_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says = "echo 'python: No module named twinmx.recovery' >&2; exit 1"
    for module in (onhost, controller_remote):
        monkeypatch.setattr(module, "ssh", lambda *_: ["sh", "-c", says])
    remote = Remote("mx1", {})

    for asking in (lambda: OnHost(remote).ask("take"), lambda: saved.backup(remote, tmp_path / "mx1.tar")):
        with pytest.raises(ControllerError, match="its release knows no such thing: twinmx converge"):
            asking()


# --- adopt --------------------------------------------------------------------------------------------


def broken(tmp_path: Path) -> Host:
    disk = Host.make(tmp_path / "disk")
    disk.put("in", "deferred/1/1A2B3C4D", message(1))
    disk.put("out", "deferred/1/1A2B3C4E", message(2))
    disk.put("out", "incoming/1A2B3C4F", message(3), mode=0o600)
    (disk.places.delivered / ("0" * 64)).touch()
    return disk


@pytest.mark.parametrize("there", [False, True])
def test_a_broken_host_s_disk_is_adopted_once(
    remotes: dict[str, FakeRemote], tmp_path: Path, there: bool
) -> None:
    disk, mx2 = broken(tmp_path), remotes["mx2"]

    first = adopted.adopt(mx2, str(disk.root), there=there)
    second = adopted.adopt(mx2, str(disk.root), there=there)

    assert [first.count(state) for state in ("adopted", "known", "left")] == [2, 0, 1]
    assert [second.count(state) for state in ("adopted", "known", "left")] == [0, 2, 1]
    assert first.lines() == [
        ("in", "deferred", [1, 1, 0, 0]),
        ("out", "incoming", [1, 0, 0, 1]),
        ("out", "deferred", [1, 1, 0, 0]),
    ]
    assert list(mx2.host.queued("in").values()) == [message(1)]
    assert list(mx2.host.queued("out").values()) == [message(2)]
    assert [path.name for path in mx2.host.places.delivered.iterdir()] == ["0" * 64]


@pytest.mark.parametrize("there", [False, True])
def test_a_host_that_died_in_its_evacuation_loses_nothing(
    remotes: dict[str, FakeRemote], tmp_path: Path, there: bool
) -> None:
    disk = Host.make(tmp_path / "disk")
    disk.put("out", "deferred/1/1A2B3C4D", message(1))
    assert program(disk, ["take"])[0] == 0

    assert adopted.adopt(remotes["mx2"], str(disk.root), there=there).count("adopted") == 1


def test_a_directory_without_a_queue_is_refused(remotes: dict[str, FakeRemote], tmp_path: Path) -> None:
    with pytest.raises(ControllerError, match="there is no queue directory in it"):
        adopted.adopt(remotes["mx2"], str(tmp_path))
    with pytest.raises(ControllerError, match=r"mx2: .*there is no queue directory"):
        adopted.adopt(remotes["mx2"], str(tmp_path), there=True)


def test_a_disk_that_the_operator_may_not_read_is_named(
    remotes: dict[str, FakeRemote], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", refused)

    with pytest.raises(ControllerError, match=f"{tmp_path}.*: Permission denied"):
        adopted.adopt(remotes["mx2"], str(tmp_path))


# --- evacuate -----------------------------------------------------------------------------------------


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


# --- rebuild ------------------------------------------------------------------------------------------


def test_a_rebuilt_host_is_converged_and_then_gets_its_backup(
    remotes: dict[str, FakeRemote], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, file = put_spam(remotes["mx1"]), tmp_path / "mx1.tar"
    saved.backup(remotes["mx1"], file)
    bare = FakeRemote("mx1", {}, host=Host.make(tmp_path / "bare"))
    remotes["mx1"] = bare
    world = World(exchange())
    world.remotes = dict(remotes)
    seen: list[set[str]] = []
    monkeypatch.setattr(rolling, "converge", lambda *_: seen.append(quarantined(bare)))

    locked: list[str] = []

    def lock(hosts: Sequence[Remote]) -> Lock:
        locked.extend(host.name for host in hosts)
        return Lock([])

    monkeypatch.setattr(saved, "Lock", lock)
    rebuilt.rebuild(world, "mx1", file, Options())

    assert locked == ["mx1"], "nobody else changes it meanwhile"
    assert seen == [set()], "first it is an exchanger again"
    assert quarantined(bare) == {name}


def test_a_wrong_backup_stops_a_rebuild_before_it_begins(
    remotes: dict[str, FakeRemote], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mx1.tar"
    saved.backup(remotes["mx1"], file)
    world = World(exchange())
    world.remotes = dict(remotes)
    monkeypatch.setattr(rolling, "converge", lambda *_: pytest.fail("it was converged"))

    with pytest.raises(ControllerError, match="not of mx2"):
        rebuilt.rebuild(world, "mx2", file, Options())
    with pytest.raises(ControllerError, match="mx9: no such exchanger; allowed: mx1, mx2"):
        rebuilt.rebuild(world, "mx9", None, Options())
