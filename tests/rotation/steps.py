"""The steps of a rotation as an operator takes them: the command, then one host after the other."""

import subprocess
from collections.abc import Callable, Iterator, Mapping

from controller import pyinfra
from controller.rolling import order
from inventory.hosts import exchange_of
from inventory.schema import Exchange
from inventory.secrets import Secrets, load_secrets
from lab.errors import LabError
from lab.up import converge_outside

INVENTORY = "inventory/lab.py"
Look = Callable[[Secrets, Secrets], None]
"""Told what the hosts had before a step and what they get; looks at both hosts and raises LabError."""


def the_exchange() -> Exchange:
    """The lab pair."""
    return exchange_of(pyinfra.ROOT / INVENTORY)


def held() -> Secrets:
    """The secrets as they are in the lab's file now."""
    return load_secrets(the_exchange().secrets_from)


def rotate(name: str) -> None:
    """One step; LabError with what the command said where it refuses."""
    command = ["bin/twinmx", "secrets", "rotate", INVENTORY, name, "--yes", "--early"]
    done = subprocess.run(command, cwd=pyinfra.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{name} was not rotated: {done.stdout}{done.stderr}")


def places(database: bool) -> Iterator[str]:
    """Who is converged one after the other: the database where there is one, exchangers, DNS."""
    if database:
        yield "database"
    yield from order(the_exchange())
    yield "@local"


def converge(place: str, **flags: str) -> None:
    """One host; LabError with the end of what pyinfra said where it fails."""
    command = pyinfra.command(INVENTORY, "-y", limit=place, flags=flags)
    done = subprocess.run(command, cwd=pyinfra.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{place} was not converged: {done.stderr[-2000:]}")


def roll(
    name: str, stages: int, look: Look, *, name_server: bool = False, flags: Mapping[str, str] | None = None
) -> None:
    """Take `stages` steps of rotating `name`, each rolled out to all; `look` after every single host.

    name_server: it is the lab's outside world, which takes its keys from the same file.
    """
    given = dict(flags or {})
    for _ in range(stages):
        before = held()
        rotate(name)
        if name_server:
            converge_outside()
        for place in places("aliases_from" in given):
            converge(place, **given)
            look(before, held())
