"""The display waits as long as it should, tells of the letters, and shows a command as it is."""

from types import SimpleNamespace

import pytest

from drills.lib import show
from drills.lib.show import Show
from lab.progress import console


class Clock:
    """Moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= show.TICK_SECONDS
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(show, "time", SimpleNamespace(monotonic=made.monotonic, sleep=made.sleep))
    return made


@pytest.mark.parametrize("seconds", [0.2, 60.0])
def test_it_waits_as_long_as_it_should(clock: Clock, seconds: float) -> None:
    Show().wait("mail", seconds)

    assert clock.now == pytest.approx(100.0 + seconds)


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_a_moment_that_has_passed_is_neither_waited_for_nor_shown(clock: Clock, seconds: float) -> None:
    with console.capture() as captured:
        Show().wait("mail", seconds)

    assert (clock.now, captured.get()) == (100.0, "")


def test_it_tells_of_the_letters_of_the_drill_that_is_under_way(clock: Clock) -> None:
    made = Show()
    made.tell_of(lambda: "12 letters begun")

    with console.capture() as captured:
        made.wait("mail", 1.0)

    assert "12 letters begun" in captured.get()


@pytest.mark.parametrize("command", ["sed 's/[/a]//' file", "test [red] = [/red]", "grep '[0-9]' log"])
def test_a_command_is_shown_as_it_is(command: str) -> None:
    with console.capture() as captured, Show().phase(command):
        pass

    assert command in captured.get()
