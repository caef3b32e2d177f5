"""The converges of a drill: pyinfra's own command line, with the flag an operator would type."""

from controller import pyinfra
from drills.lib.record import Variant
from inventory.schema import Exchange
from lab.errors import LabError

INVENTORY = "inventory/lab.py"
PLAIN = ""


def flag(name: str, variant: Variant, *, calm: bool = False) -> str:
    """The value of the flag `drill`."""
    return "/".join([name, *(["then"] if variant == "then" else []), *(["calm"] if calm else [])])


def converge(drill: str = PLAIN) -> None:
    """Converge all hosts and DNS with the flag `drill`; without one the fault ends.

    Raises LabError with pyinfra's own words.
    """
    flags = {"drill": drill} if drill else {}
    done = pyinfra.quiet(pyinfra.command(INVENTORY, "-y", flags=flags))
    if done.returncode:
        typed = f"pyinfra {INVENTORY} deploy.py" + (f" --data drill={drill}" if drill else "")
        raise LabError(f"{typed}: {pyinfra.complaint(done.stderr)}", "python -m drills abort")


def exchange(drill: str = PLAIN) -> Exchange:
    """The exchange that such a converge brings about."""
    return pyinfra.exchange(INVENTORY, {"drill": drill} if drill else {})
