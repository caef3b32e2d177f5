"""A line of the log that a drill is, on the terminal and in the watchdog's file."""

import time
from contextlib import suppress

from controller.report import console


def say(text: str) -> None:
    """One line, if anybody is there to read it: rich ends the program where nobody is."""
    with suppress(OSError, SystemExit):
        console.print(f"{time.strftime('%T')}  {text}", markup=False, highlight=False, soft_wrap=True)
