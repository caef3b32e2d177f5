"""What an operator does while a fault lasts."""

import subprocess
import time

from drills.lib.model import Step
from drills.lib.record import Event
from drills.lib.shell import shell

STEP_SECONDS = 900
SHOWN = 300
"""Characters of what a step printed last that are kept."""


def take(step: Step, begun: float) -> Event:
    """Run the step's command in the checkout; well, where it ended and said what it must."""
    started = time.time()
    try:
        status, printed = shell(step.run, STEP_SECONDS)
    except subprocess.TimeoutExpired:
        well, told = False, f"not done in {STEP_SECONDS} s"
    else:
        well = status == step.status and step.says in printed
        told = f"status {status}" + (f": {said}" if (said := printed.strip()[-SHOWN:]) else "")
    return Event(started - begun, "step", step.name, by="operator", cause=told, automatic=False, well=well)
