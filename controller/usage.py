"""What the commands of the controller have in common: their arguments, and how a wrong question ends."""

from collections.abc import Iterator
from contextlib import chdir, contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand
from typer.exceptions import TyperException

from controller.errors import ControllerError
from controller.pyinfra import ROOT
from inventory.load import InventoryError


class OneForAnyError(TyperCommand):
    """A command that ends with 1 also where it was asked wrongly: its 2 means something else."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """As usual, but for the exit status of a usage error."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except TyperException as error:
            error.exit_code = 1
            raise


@contextmanager
def told() -> Iterator[None]:
    """What cannot be done ends the command with one sentence, and paths are those of the inventory."""
    try:
        with chdir(ROOT):
            yield
    except (ControllerError, InventoryError, OSError) as error:
        Console(stderr=True).print(f"✗ {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _inventories(incomplete: str) -> list[str]:
    """For the shell: the inventories of this checkout."""
    files = sorted(ROOT.glob("inventory/*.py"))
    names = [str(file.relative_to(ROOT)) for file in files if "hosts_of(" in file.read_text()]
    return [name for name in names if name.startswith(incomplete) and name != "inventory/hosts.py"]


def _there(inventory: str) -> str:
    """Refuse what is no file: pyinfra would take it for the name of a host."""
    if not (ROOT / inventory).is_file():
        known = ", ".join(_inventories(""))
        raise typer.BadParameter(f"{inventory}: no such file in {ROOT}; there are {known}")
    if not inventory.endswith(".py"):
        raise typer.BadParameter(f"{inventory}: no inventory; allowed: the .py file that reads it")
    return inventory


Inventory = Annotated[
    str,
    typer.Argument(
        help="An inventory file, such as inventory/production.py.",
        callback=_there,
        autocompletion=_inventories,
    ),
]
Data = Annotated[list[str] | None, typer.Option("--data", help="A flag, as in primary=mx2. Repeatable.")]


def flags_of(data: list[str] | None) -> dict[str, str]:
    """The flags among the arguments: name → value; pyinfra refuses one without a value."""
    return {key: value for key, _, value in (entry.partition("=") for entry in data or [])}
