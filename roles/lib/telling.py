"""What an operation is about to do is told once: as lines on the terminal, and as data for a plan.

`twinmx plan` runs pyinfra with --dry and gives a path in TWINMX_TOLD; what was told is written there when
pyinfra ends. Nothing is read back out of pyinfra's text.
"""

import atexit
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from logging import ERROR, Handler, LogRecord
from pathlib import Path
from typing import Annotated

import click
from pydantic import BaseModel, Field
from pyinfra import logger
from pyinfra.api.host import Host
from pyinfra.context import ctx_state, host, state

from inventory.alias_source import DATABASE_HOST
from inventory.masking import masked
from roles.lib.changes import Anything, Obstacle

PATH = "TWINMX_TOLD"
DNS = "DNS"
"""Where what the controller does is told, beside the hosts' names."""


class Step(BaseModel, frozen=True):
    """What an operation told. operation: pyinfra's identity of it; empty outside of one."""

    operation: str
    what: Annotated[Anything, Field(discriminator="kind")]


class Place(BaseModel):
    """A host, or DNS. pyinfra: its name there. failed: it could not be asked. errors: pyinfra's sentences."""

    pyinfra: str
    failed: bool
    errors: list[str]
    steps: list[Step]


class Account(BaseModel):
    """All that a run of pyinfra told, by place, in the inventory's order."""

    places: dict[str, Place]


@dataclass(frozen=True)
class _Told:
    executing: bool
    step: Step


_told: dict[str, list[_Told]] = defaultdict(list)
"""By pyinfra's name of the host, and by place for what was told of another one."""


def _running() -> bool:
    return bool(ctx_state.isset())  # type: ignore[no-untyped-call]


def executing() -> bool:
    """Whether operations are carried out now; before that they are planned."""
    return _running() and state.is_executing


def _place_of(known: Host) -> str:
    name = known.data.get("exchanger") or (DATABASE_HOST if known.data.get("database") else DNS)
    return str(name)


def tell(what: Anything, *, of: str = "") -> None:
    """Say what the current operation is about to do to its host, or, with `of`, what concerns that place."""
    if not isinstance(what, Obstacle):  # the operation fails with that very sentence
        prefix = "    " if of else host.print_prefix
        for line in (what.headline, *(f"    {detail}" for detail in what.details)):
            logger.info("%s%s", prefix, line)
    operation = "" if of else (host.current_op_hash or "")
    step = Step(operation=operation, what=what)
    _told[of or host.name].append(_Told(executing(), step))


def told() -> Iterator[Anything]:
    """What the current host was told of so far, in this phase (planned, or done)."""
    if _running():
        yield from (told.step.what for told in _told[host.name] if told.executing == executing())


class _Errors(Handler):
    """Keeps what pyinfra itself says about a host that fails, such as why it was not reached."""

    def __init__(self) -> None:
        super().__init__(ERROR)
        self.sentences: dict[str, list[str]] = defaultdict(list)

    def emit(self, record: LogRecord) -> None:
        """Keep the sentence, without its colours, under the name it begins with."""
        prefix, _, sentence = click.unstyle(record.getMessage()).partition("] ")
        if prefix.startswith("["):
            self.sentences[prefix.removeprefix("[")].append(sentence.strip())


def write_at_exit() -> None:
    """Have an `Account` of this run written to the path in TWINMX_TOLD, if there is one."""
    if path := os.environ.get(PATH):
        errors = _Errors()
        logger.addHandler(errors)
        atexit.register(_write, Path(path), errors)


def _write(path: Path, errors: _Errors) -> None:
    with suppress(AttributeError):  # the inventory was refused: there are no hosts
        places = {_place_of(known): _place(known, errors) for known in state.inventory}
        path.write_text(masked(Account(places=places).model_dump_json()))


def _place(known: Host, errors: _Errors) -> Place:
    failed = known in state.failed_hosts or known not in state.activated_hosts
    names = dict.fromkeys([known.name, _place_of(known)])
    steps = list(dict.fromkeys(told.step for name in names for told in _told[name]))
    return Place(
        pyinfra=known.name, failed=failed, errors=errors.sentences[known.name], steps=[] if failed else steps
    )
