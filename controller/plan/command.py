"""`twinmx plan`."""

from collections.abc import Mapping

from rich.console import Console

from controller.errors import ControllerError
from controller.plan.document import no_plan
from controller.plan.making import make
from controller.plan.text import show


def run(inventory: str, flags: Mapping[str, str], *, as_json: bool, limit: str = "") -> int:
    """Print the plan on standard output, as text or as JSON, and return the exit status.

    limit: as in `make`.
    """
    messages = Console(stderr=True)
    try:
        with messages.status("asking the hosts"):
            plan = make(inventory, flags, limit)
    except ControllerError as error:
        plan = no_plan(inventory, flags, str(error))
    if as_json:
        print(plan.model_dump_json(indent=1))
    elif plan.errors:
        for reason in plan.errors:
            messages.print(f"✗ {reason}", style="red", markup=False, soft_wrap=True)
    else:
        show(plan, Console())
    return plan.status
