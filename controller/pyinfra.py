"""Run pyinfra's own command line, which is what an operator would type.

Its API mode numbers operations differently and asks nothing; the command line is the tested path, so it
is the only one.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.errors import ControllerError
from controller.reaching import with_way_out
from inventory.schema import Exchange

ROOT = Path(__file__).parent.parent
DEPLOY = "deploy.py"
PYINFRA_ERROR = re.compile(r"^--> pyinfra error(?: in \S+ line \d+)?: (.+)\s*\Z", re.MULTILINE)
LONGEST_COMPLAINT = 4000
"""Characters of pyinfra's last words that are worth repeating; the end of a traceback is in them."""


def command(
    inventory: str, *options: str, limit: str = "", flags: Mapping[str, str] | None = None
) -> list[str]:
    """The argument list of `pyinfra INVENTORY deploy.py` with `options`, for one host or for all."""
    data = [argument for key, value in (flags or {}).items() for argument in ("--data", f"{key}={value}")]
    chosen = ["--limit", limit] if limit else []
    return [str(Path(sys.executable).with_name("pyinfra")), inventory, DEPLOY, *chosen, *data, *options]


def inventory_hosts(inventory: str, flags: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """The hosts of `inventory` with `flags`, and their data, as pyinfra itself reads them; connects to none.

    Raises ControllerError with the inventory's own message where it is refused.
    """
    arguments = command(inventory, flags=flags)
    arguments[2:3] = ["debug-inventory", "--json"]
    done = quiet(arguments)
    if done.returncode:
        raise ControllerError(complaint(done.stderr))
    return {host["name"]: host["data"] for host in json.loads(done.stdout)}


def exchange(inventory: str, flags: Mapping[str, str] | None = None) -> Exchange:
    """The exchange of `inventory` with `flags`; raises ControllerError where it is refused."""
    data = next(iter(inventory_hosts(inventory, flags).values()))
    return Exchange.model_validate(data["exchange"])


def show(arguments: Sequence[str]) -> None:
    """Run pyinfra with its output on the terminal; ControllerError when it fails."""
    if subprocess.run(arguments, cwd=ROOT, check=False).returncode:
        raise ControllerError(f"failed: {' '.join(arguments[:3])}; its last lines above say why")


def quiet(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pyinfra and keep what it prints; its own `environment`, or this process's."""
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def complaint(told: str) -> str:
    """What pyinfra said last on its standard error: below its last heading ("--> Loading inventory..."),
    or in it, where the heading is itself the error.
    """
    if itself := PYINFRA_ERROR.search(told):
        return with_way_out(itself[1])
    return told.rpartition("--> ")[2].partition("\n")[2].strip()[-LONGEST_COMPLAINT:] or told


def totals(arguments: Sequence[str]) -> dict[str, int]:
    """Run pyinfra with --json; how many operations changed something (`success`), failed, did nothing.

    Raises ControllerError where a host has done none of them, as one that was not reached.
    """
    done = quiet([*arguments, "--json"])
    try:
        results = json.loads(done.stdout)["results"]
        counted: dict[str, Any] = results["totals"]
    except (json.JSONDecodeError, KeyError):
        raise ControllerError(f"pyinfra printed no result:\n{complaint(done.stderr)}") from None
    if results["failed_hosts"] and not counted["error"]:
        raise ControllerError(f"not converged: {', '.join(results['failed_hosts'])}; `twinmx plan` says why")
    return {name: int(number) for name, number in counted.items() if isinstance(number, int)}
