"""The sliding windows, in Valkey (its scripts, run by an imitation) and in a worker's own memory."""

import time
from typing import NamedTuple, Protocol

import fakeredis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinmx.limits import scripts
from twinmx.limits.keys import Keys, Over, over
from twinmx.limits.local import LocalWindows, Windows
from twinmx.limits.settings import Window

ALIAS = Window(count=2, window_seconds=10)
MAILBOX = Window(count=3, window_seconds=20)
START = 1_700_000_000.0

RECIPIENTS = [Keys("a", ("m",)), Keys("b", ("m",)), Keys("c", ("m", "n")), Keys("d", ("n",))]


class Counting(Protocol):
    """Windows of either kind, as the tests ask them."""

    def admit(self, keys: Keys, now: float) -> Over | None: ...

    def take_back(self, keys: Keys, counted: float) -> None: ...


class Scripted:
    """The scripts, in a server whose clock the test sets."""

    def __init__(self) -> None:
        self._server = fakeredis.FakeValkey(server=fakeredis.FakeServer(server_type="valkey"))
        self._admit = self._server.register_script(scripts.ADMIT)
        self._take_back = self._server.register_script(scripts.TAKE_BACK)
        self._stamps: dict[float, int] = {}

    def admit(self, keys: Keys, now: float) -> Over | None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "time", lambda: START + now)
            arguments = [
                part for window in (ALIAS, *[MAILBOX] * len(keys.mailboxes)) for part in _sizes(window)
            ]
            window, self._stamps[now] = self._admit(keys=keys.windows, args=arguments)
        return over(window)

    def take_back(self, keys: Keys, counted: float) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "time", lambda: START + counted)
            self._take_back(keys=keys.windows, args=[self._stamps[counted]])

    def names(self, now: float) -> int:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "time", lambda: START + now)
            return len(list(self._server.scan_iter()))


class Own:
    """The worker's own windows."""

    def __init__(self) -> None:
        self._windows = LocalWindows(ALIAS, MAILBOX)

    def admit(self, keys: Keys, now: float) -> Over | None:
        full = self._windows.over(keys, now)
        if full is None:
            self._windows.count(keys, now)
        return full

    def take_back(self, keys: Keys, counted: float) -> None:
        self._windows.take_back(keys, counted)


def _sizes(window: Window) -> tuple[int, int]:
    return window.count, window.window_seconds * 1_000_000


class Model:
    """What is promised, written down plainly: all messages are remembered for ever."""

    def __init__(self) -> None:
        self.counted: list[tuple[Keys, float]] = []

    def admit(self, keys: Keys, now: float) -> Over | None:
        recent = [other for other, counted in self.counted if counted > now - ALIAS.window_seconds]
        if sum(other.alias == keys.alias for other in recent) >= ALIAS.count:
            return "alias"
        recent = [other for other, counted in self.counted if counted > now - MAILBOX.window_seconds]
        for mailbox in keys.mailboxes:
            if sum(mailbox in other.mailboxes for other in recent) >= MAILBOX.count:
                return "mailbox"
        self.counted.append((keys, now))
        return None

    def take_back(self, keys: Keys, counted: float) -> None:
        self.counted.remove((keys, counted))


class Step(NamedTuple):
    """A message comes after `pause` seconds; it is taken back before the message `regret` steps later."""

    pause: float
    recipient: int
    regret: int | None


STEPS = st.lists(
    st.builds(
        Step,
        pause=st.sampled_from([0.25, 1.0, 4.0, 10.0, 20.0]),
        recipient=st.integers(0, len(RECIPIENTS) - 1),
        regret=st.none() | st.integers(1, 4),
    ),
    max_size=40,
)


@pytest.mark.parametrize("kind", [Scripted, Own], ids=["valkey", "local"])
@settings(deadline=None)
@given(steps=STEPS)
def test_each_message_is_decided_as_if_all_were_remembered(kind: type[Counting], steps: list[Step]) -> None:
    windows, model, now = kind(), Model(), 0.0
    regrets: list[tuple[int, Keys, float]] = []
    for number, step in enumerate(steps):
        now += step.pause
        for at, keys, counted in regrets:
            if at == number:
                windows.take_back(keys, counted)
                model.take_back(keys, counted)
        keys = RECIPIENTS[step.recipient]
        decided = windows.admit(keys, now)
        assert decided == model.admit(keys, now), f"{keys} at {now}"
        if decided is None and step.regret:
            regrets.append((number + step.regret, keys, now))


def test_a_clock_that_is_set_back_refuses_nobody() -> None:
    windows, keys = Scripted(), RECIPIENTS[0]
    for second in (3600.0, 3601.0):
        assert windows.admit(keys, second) is None
    assert windows.admit(keys, 3602.0) == "alias"

    assert windows.admit(keys, 0.0) is None


def test_valkey_forgets_what_no_longer_counts() -> None:
    windows = Scripted()
    windows.admit(RECIPIENTS[0], 0.0)
    assert windows.names(0.0) == 2

    assert windows.names(21.0) == 0


def test_a_worker_forgets_who_was_quiet_for_a_window() -> None:
    windows = Windows(ALIAS)
    for number in range(100):
        windows.count(f"alias-{number}", now=0.0)
    windows.count("late", now=10.5)

    assert len(windows) == 1


def test_a_worker_remembers_so_many_names_and_those_of_late() -> None:
    windows = Windows(ALIAS, most=10)
    for number in range(100):
        for _ in range(ALIAS.count):
            windows.count(f"alias-{number}", now=number / 1000)

    assert len(windows) == 10
    assert windows.full("alias-99", now=0.2)
