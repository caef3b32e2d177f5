"""Units of a lab host, for tests that kill, stop or hold them and have them as they were afterwards."""

import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from lab import ssh
from lab.settings import LabHost
from lab.waiting import until

RETURN_SECONDS = 20
"""Within this systemd has a unit running again that was killed."""

ORDER_SECONDS = 120
"""A worker ends what it has in hand before it stops."""


def _command(*words: str) -> str:
    return shlex.join(("systemctl", *words))


def _signal(signal: str, whom: str, names: tuple[str, ...]) -> str:
    return _command("kill", f"--kill-whom={whom}", f"--signal={signal}", *names)


def systemctl(host: LabHost, *words: str) -> None:
    """`systemctl VERB UNIT…`; raises LabError when it fails."""
    ssh.on(host, _command(*words), seconds=ORDER_SECONDS)


def units(host: LabHost, pattern: str) -> list[str]:
    """The loaded service units that match `pattern`."""
    listed = ssh.on(host, f"systemctl list-units --all --plain --no-legend {shlex.quote(pattern)}")
    return [line.split()[0] for line in listed.splitlines()]


def are_active(host: LabHost, *names: str) -> bool:
    """What systemd says of units."""
    return set(ssh.on(host, f"{_command('is-active', *names)} || true").split()) == {"active"}


def main_pids(host: LabHost, *names: str) -> list[int]:
    """The main process of each unit; 0 for one without."""
    shown = ssh.on(host, _command("show", "--property=MainPID", "--value", *names))
    return [int(pid) for pid in shown.split()]


def _differ(pids: list[int], others: list[int]) -> bool:
    return all(pid != other for pid, other in zip(pids, others, strict=True))


def kill(host: LabHost, *names: str, whom: str = "main") -> None:
    """`kill -9` the main process of each unit (or, with `whom`, all of its processes).

    A unit that systemd is about to start again has no process to kill, so all are active before; and systemd
    has seen all die afterwards, or it would still call them active for an instant.
    """
    until(lambda: are_active(host, *names), RETURN_SECONDS, f"{', '.join(names)} of {host.alias} active")
    before = main_pids(host, *names)
    ssh.on(host, _signal("KILL", whom, names))
    until(
        lambda: _differ(main_pids(host, *names), before),
        RETURN_SECONDS,
        f"{', '.join(names)} of {host.alias} dead",
    )


@contextmanager
def comes_back(host: LabHost, *names: str) -> Iterator[None]:
    """What is in the block kills units, and systemd has to start each again by itself: else LabError.

    They are started in any case.
    """
    before = main_pids(host, *names)
    try:
        yield
        until(
            lambda: are_active(host, *names) and _differ(main_pids(host, *names), before),
            RETURN_SECONDS,
            f"{', '.join(names)} of {host.alias} started again by systemd",
        )
    finally:
        systemctl(host, "start", *names)


def stopped(host: LabHost, *names: str) -> AbstractContextManager[None]:
    """Stop units and start them afterwards."""
    return ssh.meanwhile(host, _command("stop", *names), _command("start", *names), seconds=ORDER_SECONDS)


@contextmanager
def dead(host: LabHost, *names: str) -> Iterator[None]:
    """`kill -9` units that systemd may not start again, and start them afterwards."""
    try:
        systemctl(host, "mask", "--runtime", *names)
        ssh.on(host, f"{_signal('KILL', 'all', names)}; {_command('stop', *names)}", seconds=ORDER_SECONDS)
        yield
    finally:
        systemctl(host, "unmask", "--runtime", *names)
        systemctl(host, "start", *names)


def frozen(host: LabHost, *names: str) -> AbstractContextManager[None]:
    """Hold all processes of units (SIGSTOP): they keep their sockets and answer nothing."""
    return ssh.meanwhile(host, _signal("STOP", "all", names), _signal("CONT", "all", names))
