"""The shared operations as one would first write them: the yardstick of bench/converge.py.

Each file, package list and service is a stock pyinfra operation of its own, which asks the host for what
it needs; SSH is left as paramiko opens it. Nothing of this is ever used to configure a host.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO

from pyinfra.operations import apt, systemd
from pyinfra.operations import files as stock

from roles.lib.managed import Managed, ManagedLink


def checked_files(
    name: str, files: Sequence[Managed], *, absent: Sequence[str] = (), **_checks: object
) -> None:
    """One operation a file, each with its own questions."""
    for file in files:
        if isinstance(file, ManagedLink):
            stock.link(path=file.path, target=file.target, name=f"{name}: {file.path}")
        else:
            stock.put(
                src=BytesIO(file.data),
                dest=file.path,
                mode=file.mode,
                user=file.user,
                group=file.group,
                create_remote_dir=True,
                name=f"{name}: {file.path}",
            )
    for path in absent:
        stock.file(path=path, present=False, name=f"{name}: no {path}")


def packages(name: str, packages: Sequence[str], *, at_least: Mapping[str, str] | None = None) -> None:
    """One apt operation; it lists all packages of the host anew."""
    apt.packages(packages=list(packages), name=f"{name}: packages")


def converged(name: str, *, units: Sequence[str] = (), **_inputs: object) -> None:
    """Only what a no-op converge does: ask for the state of each unit."""
    for unit in units:
        systemd.service(service=unit, running=True, name=f"{name}: {unit}")


def converged_service(unit: str, **_inputs: object) -> None:
    """Running and enabled, as the stock operation asks it."""
    systemd.service(service=unit, running=True, enabled=True, name=unit)
