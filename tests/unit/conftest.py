"""What no unit test may depend on: how busy the machine is, and how the tests were started."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# properties are tried without a stopwatch: on shared cores it says nothing of them
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _signals_heard() -> Iterator[None]:
    """Have signals taken as by a command of a terminal.

    In the background a shell has SIGINT ignored, and nohup(1) has SIGHUP; children inherit that.
    """
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGHUP, hangup)
