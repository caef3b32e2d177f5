"""The converge lock: one run at a time on a host, and what is said of a run that has died."""

import json
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
        asked = json.loads(given) | {"file": self.data["file"]}
        words = [sys.executable, *shlex.split(command)[1:]]
        done = subprocess.run(words, input=json.dumps(asked), capture_output=True, text=True, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)


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


def test_it_outlives_several_heartbeats() -> None:
    assert lock.EXPIRES_SECONDS > 3 * lock.BEAT_SECONDS
