"""Whether a drill may begin now: all there, in service, without a drill, and nothing pending."""

from controller.drill.hosts import Hosts, Seen
from controller.drill.note import Note
from controller.errors import ControllerError

PAGE = "page"
ABORT = "bin/twinmx drill INVENTORY --abort"


def ready(hosts: Hosts, note: Note) -> Seen:
    """The exchangers as they are; ControllerError with all that stands in the way, nothing touched."""
    if note.drill:
        raise ControllerError(f"the drill {note.drill} is under way, or could not be ended: {ABORT}")
    looks = hosts.fleet.looks()
    away = [f"{name} cannot be reached: {look}" for name, look in looks.items() if isinstance(look, str)]
    if away:
        raise ControllerError("\n".join([*away, "Nothing was touched."]))
    seen = hosts.look()
    wrong = [
        *(
            f"{name}: not root there: log in as root (ssh_user)"
            for name, look in looks.items()
            if not isinstance(look, str) and not look.root
        ),
        *(f"{name}: {why}" for name, why in seen.out.items()),
        *(f"{name}: {what} is there: {ABORT}" for name, what in hosts.left().items()),
        *(f"the alert {one} fires, and wakes people" for one in seen.alerts or () if one.severity == PAGE),
    ]
    if seen.alerts is None:
        wrong.append("no Alertmanager answers, so nobody would be told of what goes wrong")
    if wrong:
        raise ControllerError("\n".join([*wrong, "Not the time for a drill. Nothing was touched."]))
    return seen


def nothing_pending(hosts: Hosts, inventory: str) -> None:
    """ControllerError where a converge would change more than the drill does, on all hosts at once."""
    if changes := hosts.changes():
        listed = "; ".join(f"{place}: {what}" for place, what in changes.items())
        raise ControllerError(
            f"a converge would change more than the drill ({listed}). Nothing was touched. Way out: "
            f"bin/twinmx converge {inventory}"
        )
