"""How a drill is ended: a plain converge, again and again, until nothing of the drill is left on any host."""

from controller.drill.hosts import Hosts
from controller.drill.saying import say
from controller.errors import ControllerError
from controller.lock import Lock
from controller.rolling.gates import Clock

TRIES = 6
PAUSE_SECONDS = 20.0
LOCKED_SECONDS = 15.0


def end(hosts: Hosts, clock: Clock) -> None:
    """Converge without the flag; ControllerError where that does not end it, with what is left to do."""
    why = ""
    for attempt in range(TRIES):
        if attempt:
            clock.sleep(PAUSE_SECONDS)
        try:
            hosts.converge()
            left = hosts.left()
        except (ControllerError, OSError, KeyboardInterrupt) as error:
            why = str(error) or "broken off"
            continue
        if not left:
            return
        why = "; ".join(f"{name}: {told}" for name, told in left.items())
    raise ControllerError(
        f"the drill could not be ended, {TRIES} times: {why}\nWay out: `bin/twinmx drill INVENTORY --abort` "
        "when the hosts can be reached. A fault on a host ends there at its time limit."
    )


def take_over(hosts: Hosts, clock: Clock, seconds: float, *, break_lock: bool) -> None:
    """End a drill in the place of who began it, on the hosts that are reached; as `end`.

    seconds: how long it is tried, where somebody has the lock: that of a run that has died lives on a while.
    """
    deadline = clock.now() + seconds
    remotes = list(hosts.fleet.remotes.values())
    while True:
        try:
            with Lock([], remotes).held(break_stale=break_lock):
                end(hosts, clock)
        except ControllerError as error:
            if clock.now() >= deadline:
                raise
            say(f"not yet: {error}")
            clock.sleep(LOCKED_SECONDS)
        else:
            return
