"""Have pyinfra plan, which only asks the hosts, and collect what its operations told."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from controller import pyinfra
from controller.errors import ControllerError
from controller.plan.document import Plan, plan_of
from roles.lib.telling import PATH, Account


def make(inventory: str, flags: Mapping[str, str], limit: str = "") -> Plan:
    """What a converge of `inventory` with `flags` would change. No host is changed.

    limit: pyinfra's name of the one place that is planned; all of them where it is empty.
    A host that cannot be asked is an error in the plan, and the others are asked all the same. Raises
    ControllerError where nobody could be: the inventory was refused, or a role failed on the controller.
    """
    arguments = pyinfra.command(inventory, "--dry", "--diff", "--json", limit=limit, flags=flags)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "told.json")
        done = pyinfra.quiet(arguments, environment={**os.environ, PATH: str(path)})
        try:
            operations = json.loads(done.stdout)["plan"]
            account = Account.model_validate_json(path.read_bytes())
        except (ValueError, KeyError, OSError):
            raise ControllerError(pyinfra.complaint(done.stderr)) from None
    places = {name: place for name, place in account.places.items() if limit in ("", place.pyinfra)}
    return plan_of(inventory, flags, Account(places=places), operations)
