"""`python -m controller.drill.watchdog INVENTORY NOTE SECONDS`: ends a drill whose controller has died.

Its standard input ends when the process that began the drill does, however that comes about. If the note then
still says that a drill is under way, it is ended here, by the same plain converge. A process that hangs is
killed after SECONDS. Nobody reads what is printed but who looks into the log beside the note.
"""

import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from controller.drill.ending import take_over
from controller.drill.hosts import Hosts
from controller.drill.note import Note
from controller.drill.saying import say
from controller.rolling.gates import Clock
from controller.rolling.run import fleet_of
from inventory.masking import mask_output

PATIENCE_SECONDS = 3600.0


def watch(note: Note, beginner: IO[bytes], seconds: float, recover: Callable[[], None]) -> None:
    """Wait until who began the drill is gone, or for `seconds`; then `recover`, unless it has ended."""
    ended, _, _ = select.select([beginner], [], [], seconds)
    if not note.drill:
        return
    if not ended:
        note.kill()
    with note.claimed(waits=True):
        if drill := note.drill:
            note.write(drill)
            recover()
            note.clear()


def recover(inventory: str) -> None:
    """End the drill; ControllerError where that does not succeed for PATIENCE_SECONDS."""
    say("who had begun the drill is gone")
    take_over(Hosts(inventory, fleet_of(inventory, {})), Clock(), PATIENCE_SECONDS, break_lock=True)
    say("✓ the drill is ended")


def main() -> None:
    """Watch, as the arguments say."""
    mask_output()
    inventory, path, seconds = sys.argv[1:]
    watch(Note(Path(path)), sys.stdin.buffer, float(seconds), lambda: recover(inventory))


if __name__ == "__main__":
    main()
