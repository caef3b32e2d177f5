"""What an agent remembers: over crashes, reboots, a bad disk."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.unit.twinmx.failover_settings import settings
from twinmx.failover.policy import promise_seconds
from twinmx.failover.state import Given, Held, Order, Phase, State
from twinmx.failover.store import Store

POLICY = settings().policy
BOUND = promise_seconds(POLICY.lease_seconds)
FULL = State(
    phase=Phase.DRAINED,
    cause="canary",
    since=90,
    last_act=90,
    given={"mx2": Given(until=95, seconds=BOUND)},
    held=Held(peer="mx2", until=130),
    demoted=frozenset({"mx1"}),
    restoring=frozenset({("alias.example", "mx2")}),
    order=Order(by="ada", until=None),
    hold=Order(by="ben", until=500),
    bypassed={"rspamd": 700},
)


def test_everything_is_remembered_within_a_boot(tmp_path: Path) -> None:
    Store(tmp_path, tmp_path, "boot 1").save(FULL)

    assert Store(tmp_path, tmp_path, "boot 1").load(POLICY, 100) == FULL


def test_a_reboot_opens_the_port_and_keeps_promises_in_full(tmp_path: Path) -> None:
    Store(tmp_path, tmp_path, "boot 1").save(FULL)

    state = Store(tmp_path, tmp_path, "boot 2").load(POLICY, 7)

    assert (state.phase, state.held, state.order, state.hold) == (Phase.RETURNING, None, None, None)
    assert state.given == {"mx2": Given(until=7 + BOUND, seconds=BOUND)}
    assert state.last_act == 0, "the act was before this boot"
    assert state.demoted == {"mx1"}, "the machine takes that back, in DNS too"


def test_a_new_agent_may_have_promised_before(tmp_path: Path) -> None:
    state = Store(tmp_path, tmp_path, "boot 1").load(POLICY, 7)

    assert (state.phase, state.last_act) == (Phase.ACTIVE, None)
    assert state.given == {"mx2": Given(until=7 + BOUND, seconds=BOUND)}


@pytest.mark.parametrize("damage", [b"", b"{", b'{"boot": "boot 1", "state": {"phase": "asleep"}}', b"\xff"])
def test_a_damaged_memory_is_said_kept_aside_and_taken_for_the_worst(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "state.json").write_bytes(damage)

    with capture_logs() as logs:
        state = Store(tmp_path, tmp_path, "boot 1").load(POLICY, 7)

    assert (state.phase, state.last_act) == (Phase.ACTIVE, 7)
    assert state.given.keys() == {"mx2"}
    assert (tmp_path / "state.damaged").read_bytes() == damage
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["state damaged"]


class Disk:
    """The state directory and the one in /run; `sick`: errno of every fsync there, by directory."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state, self.run = tmp_path / "state", tmp_path / "run"
        self.sick: dict[Path, int] = {}
        for directory in (self.state, self.run):
            directory.mkdir()
        monkeypatch.setattr("twinmx.failover.store.os.fsync", self._fsync)

    def store(self, boot: str = "boot 1") -> Store:
        return Store(self.state, self.run, boot)

    def remembered(self, boot: str = "boot 1", now: float = 100) -> State:
        return self.store(boot).load(POLICY, now)

    def _fsync(self, handle: int) -> None:
        directory = Path(f"/proc/self/fd/{handle}").readlink().parent
        if directory in self.sick:
            raise OSError(self.sick[directory], os.strerror(self.sick[directory]))


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


LATER = FULL.model_copy(update={"phase": Phase.RETURNING, "held": None})
SICK = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS]


def test_what_cannot_be_saved_leaves_the_old(disk: Disk) -> None:
    disk.store().save(FULL)
    disk.sick = {disk.state: errno.ENOSPC, disk.run: errno.ENOSPC}
    store = disk.store()

    with pytest.raises(OSError, match="No space"):
        store.save(LATER)

    assert "No space" in str(store.fault)
    assert disk.remembered() == FULL


@pytest.mark.parametrize("error", SICK, ids=errno.errorcode.get)
def test_a_state_for_which_the_disk_has_no_room_outlives_the_agent(disk: Disk, error: int) -> None:
    disk.store().save(FULL)
    disk.sick = {disk.state: error}
    store = disk.store()

    store.save(LATER)

    assert os.strerror(error) in str(store.fault)
    assert disk.remembered() == LATER
    disk.sick = {}
    store.save(FULL)
    assert store.fault is None
    assert disk.remembered() == FULL
    assert list(disk.run.iterdir()) == []


def test_an_older_state_in_run_that_was_left_behind_counts_for_nothing(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.sick = {disk.state: errno.ENOSPC}
    disk.store().save(LATER)
    disk.sick = {}

    def dies(*_: object) -> None:
        raise OSError(errno.EIO, "killed before it was removed")

    with monkeypatch.context() as crash:
        crash.setattr(Path, "unlink", dies)
        disk.store().save(FULL)

    assert len(list(disk.run.iterdir())) == 1
    assert disk.remembered() == FULL


def test_a_reboot_takes_what_was_in_run_for_a_promise_to_everybody(disk: Disk) -> None:
    disk.store().save(State())
    disk.sick = {disk.state: errno.ENOSPC}
    disk.store().save(State(given={"mx2": Given(until=95, seconds=BOUND)}, last_act=90))
    for file in disk.run.iterdir():
        file.unlink()

    state = disk.remembered("boot 2", now=7)

    assert state.given == {"mx2": Given(until=7 + BOUND, seconds=BOUND)}
    assert state.last_act == 0


def test_what_is_in_run_of_another_boot_is_no_newer_than_this_one(disk: Disk) -> None:
    disk.sick = {disk.state: errno.ENOSPC}
    disk.store("boot 1").save(LATER)
    (disk.run / "failover-state.json").rename(kept := disk.run / "kept")
    disk.sick = {}
    disk.store("boot 2").save(FULL)
    kept.rename(disk.run / "failover-state.json")

    assert disk.remembered("boot 2") == FULL


@pytest.mark.parametrize("where", ["state", "run"])
def test_where_one_of_two_cannot_be_read_the_past_is_unknown(disk: Disk, where: str) -> None:
    disk.store().save(FULL)
    disk.sick = {disk.state: errno.ENOSPC}
    disk.store().save(LATER)
    for file in getattr(disk, where).glob("*state.json"):
        file.write_bytes(b"{")

    state = disk.remembered()

    assert (state.phase, state.last_act, list(state.given)) == (Phase.ACTIVE, 100, ["mx2"])


def test_a_disk_that_cannot_be_read_does_not_keep_the_agent_from_starting(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.store().save(FULL)

    def broken(_path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", broken)

    assert disk.remembered().phase is Phase.ACTIVE


def test_a_directory_set_up_wrongly_is_no_sick_disk(disk: Disk) -> None:
    disk.sick = {disk.state: errno.EACCES}

    with pytest.raises(PermissionError):
        disk.store().save(FULL)

    assert list(disk.run.iterdir()) == []


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of one page, full; skipped where nobody may mount one."""
    directory = tmp_path / "small"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "small", str(directory)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip(done.stderr)
    (directory / "mail").write_bytes(b"x" * 4096)
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


def test_on_a_disk_that_is_really_full_the_state_is_kept_in_run(tmp_path: Path, small: Path) -> None:
    store = Store(small, tmp_path, "boot 1")

    store.save(FULL)
    assert "No space left" in str(store.fault)
    assert Store(small, tmp_path, "boot 1").load(POLICY, 100) == FULL

    (small / "mail").unlink()
    store.save(LATER)
    assert store.fault is None
    assert Store(small, tmp_path, "boot 1").load(POLICY, 100) == LATER
