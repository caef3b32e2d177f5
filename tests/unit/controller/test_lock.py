"""The converge lock: one run at a time on a host, and what is said of a run that has died."""

import fcntl
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from controller import lock
from controller.errors import ControllerError
from controller.lock import Lock
from controller.remote import Answer, Remote


class Here(Remote):
    """A host that is this process's own machine, with its lock in a folder."""

    def try_(self, command: str, *, given: str = "", seconds: float = 60) -> Answer:
        if not given:
            return Answer(0, "", "")
        asked = json.loads(given) | {"file": self.data["file"]}
        words = [sys.executable, *shlex.split(command)[1:]]
        done = subprocess.run(words, input=json.dumps(asked), capture_output=True, text=True, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)


class Away(Remote):
    """A host that is not reached."""

    def try_(self, command: str, *, given: str = "", seconds: float = 60) -> Answer:
        return Answer(255, "", "No route to host")


def host(folder: Path, name: str = "mx1") -> Here:
    return Here(name, {"file": str(folder / f"{name}.json")})


def held(place: Here) -> Mapping[str, object] | None:
    file = Path(place.data["file"])
    return dict(json.loads(file.read_text())) if file.exists() else None


def silent_for(place: Here, seconds: float) -> None:
    file = Path(place.data["file"])
    kept = json.loads(file.read_text())
    file.write_text(json.dumps(kept | {"beat": kept["beat"] - seconds}))


def test_a_second_run_is_told_who_converges(tmp_path: Path) -> None:
    mx1, mx2 = host(tmp_path), host(tmp_path, "mx2")
    told = pytest.raises(ControllerError, match=r"mx2: .* converges since .*")
    with Lock([mx2]).held(), told, Lock([mx1, mx2]).held():
        pytest.fail("both have it")

    assert held(mx1) is None, "what the second run had taken already is free again"
    with Lock([mx1, mx2]).held():
        assert held(mx1)
    assert held(mx1) is None
    assert held(mx2) is None


def test_the_lock_of_a_run_that_died_is_told_and_broken_by_a_flag_alone(tmp_path: Path) -> None:
    place = host(tmp_path)
    with Lock([place], beat_seconds=3600).held() as dead:
        silent_for(place, 600)
        told = pytest.raises(ControllerError, match=r"last heard of 600 s ago: .*--break-lock")
        with told, Lock([place]).held():
            pytest.fail("it was broken unasked")
        with Lock([place]).held(break_stale=True):
            dead._do(place, "release")
            assert held(place), "the dead one comes back, and does not take it away"
    assert held(place) is None


def test_a_flag_does_not_break_the_lock_of_a_run_that_lives(tmp_path: Path) -> None:
    place = host(tmp_path)
    told = pytest.raises(ControllerError, match="converges since")
    with Lock([place]).held(), told, Lock([place]).held(break_stale=True):
        pytest.fail("it was broken")


def test_a_run_says_again_and_again_that_it_lives(tmp_path: Path) -> None:
    place, beaten = host(tmp_path), threading.Event()

    class Heard(Lock):
        def _do(self, host: Remote, act: str, *, break_: bool = False) -> None:
            super()._do(host, act, break_=break_)
            if act == "beat" and (kept := held(place)) and kept["beat"] != began:
                beaten.set()

    with Heard([place], beat_seconds=0.001).held():
        began = None
        assert beaten.wait(30)


def test_a_run_whose_lock_was_broken_stops(tmp_path: Path) -> None:
    place, noticed = host(tmp_path), threading.Event()

    class Noticed(Lock):
        def _do(self, host: Remote, act: str, *, break_: bool = False) -> None:
            if noticed.is_set() and act == "beat":
                return
            try:
                super()._do(host, act, break_=break_)
            except ControllerError:
                if act == "beat":
                    noticed.set()
                raise

    with Noticed([place], beat_seconds=0.001).held() as first:
        Path(place.data["file"]).unlink()
        assert noticed.wait(30)
    with pytest.raises(ControllerError, match=r"no longer has its lock: .*gone"):
        first.check()


def test_a_host_that_does_not_answer_a_heartbeat_is_asked_again(tmp_path: Path) -> None:
    place, tried = host(tmp_path), threading.Event()
    beats = iter([ControllerError("mx1: no answer"), None])

    class Away(Lock):
        def _do(self, host: Remote, act: str, *, break_: bool = False) -> None:
            if act == "beat":
                if (error := next(beats, None)) is not None:
                    raise error
                tried.set()
            else:
                super()._do(host, act, break_=break_)

    with Away([place], beat_seconds=0.001).held() as run:
        assert tried.wait(30)
        run.check()


def test_who_converges_one_host_keeps_others_from_converging_the_other(tmp_path: Path) -> None:
    mx1, mx2 = host(tmp_path), host(tmp_path, "mx2")
    told = pytest.raises(ControllerError, match=r"mx1: .* converges since .*")
    with Lock([mx1], [mx2]).held(), told, Lock([mx2], [mx1]).held():
        pytest.fail("each takes the other for the one that carries the mail")
    assert (held(mx1), held(mx2)) == (None, None)


def test_who_converges_one_host_keeps_others_from_restoring_or_adopting_on_any(tmp_path: Path) -> None:
    """Those take the lock of their own host alone, which a converge has of all."""
    mx1, mx2 = host(tmp_path), host(tmp_path, "mx2")
    told = pytest.raises(ControllerError, match=r"mx2: .* converges since .*")
    with Lock([mx1], [mx2]).held(), told, Lock([mx2]).held():
        pytest.fail("both have it")


def test_one_that_is_away_does_not_keep_the_others_from_being_converged(tmp_path: Path) -> None:
    mx1, mx2 = host(tmp_path), Away("mx2", {})
    with Lock([mx1], [mx2]).held():
        assert held(mx1)
    with pytest.raises(ControllerError, match="No route"), Lock([mx1, mx2]).held():
        pytest.fail("it is to be converged, and is away")
    assert held(mx1) is None


def test_all_that_are_away_are_named_at_once(tmp_path: Path) -> None:
    away = [Away(name, {}) for name in ("mx1", "mx3")]

    with pytest.raises(ControllerError) as told, Lock([*away, host(tmp_path, "mx2")]).held():
        pytest.fail("two are away")

    assert str(told.value).splitlines() == [
        "mx1 cannot be reached: No route to host",
        "mx3 cannot be reached: No route to host",
        "Nothing was touched.",
    ]


def test_a_lock_whose_answer_was_cut_off_is_given_back(tmp_path: Path) -> None:
    class CutOff(Here):
        def try_(self, command: str, *, given: str = "", seconds: float = 60) -> Answer:
            done = super().try_(command, given=given, seconds=seconds)
            if '"take"' in given:
                raise KeyboardInterrupt
            return done

    place = CutOff("mx1", host(tmp_path).data)
    with pytest.raises(KeyboardInterrupt), Lock([place]).held():
        pytest.fail("it was cut off")
    assert held(place) is None


def test_a_lock_is_not_had_while_what_was_broken_off_goes_on_on_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback outlives the controller that asked for it."""
    monkeypatch.setattr(lock, "GENERATIONS", str(tmp_path))
    at_work = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(at_work, fcntl.LOCK_EX)
    place = host(tmp_path)
    with pytest.raises(ControllerError, match="still at work here"), Lock([place]).held():
        pytest.fail("it was had")
    os.close(at_work)
    with Lock([place]).held():
        assert held(place)


def test_whether_it_is_still_ours_is_asked_when_it_matters(tmp_path: Path) -> None:
    """A controller that slept has had no heartbeat that could have told it."""
    place = host(tmp_path)
    with Lock([place], beat_seconds=3600).held() as slept:
        slept.check("mx1")
        silent_for(place, 600)
        with Lock([place]).held(break_stale=True), pytest.raises(ControllerError, match="was taken by"):
            slept.check("mx1")


def test_it_outlives_several_heartbeats() -> None:
    assert lock.EXPIRES_SECONDS > 3 * lock.BEAT_SECONDS


def test_it_is_taken_anew_on_a_host_that_was_rebooted(tmp_path: Path) -> None:
    place = host(tmp_path)
    with Lock([place], beat_seconds=3600).held() as mine:
        with mine.away("mx1"):
            Path(place.data["file"]).unlink()
            mine.check("mx1")
        mine.check("mx1")
        assert held(place)
    assert held(place) is None


def test_it_is_not_had_back_where_somebody_else_was_faster_after_a_reboot(tmp_path: Path) -> None:
    place = host(tmp_path)
    with Lock([place], beat_seconds=3600).held() as mine:
        told = pytest.raises(ControllerError, match="converges since")
        with told, mine.away("mx1"):
            Path(place.data["file"]).unlink()
            other = Lock([place], beat_seconds=3600).held()
            other.__enter__()
        with pytest.raises(ControllerError, match="no longer has its lock"):
            mine.check("mx1")
        other.__exit__(None, None, None)
