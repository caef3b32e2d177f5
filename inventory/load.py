"""Read an exchange from YAML, or say of every mistake in it where it is and what is allowed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pyinfra.api.exceptions import PyinfraError

from inventory.flags import with_flags
from inventory.mistakes import dotted, problems
from inventory.schema import Exchange


class InventoryError(PyinfraError):
    """The inventory, a flag or a secret cannot be used; the message names each problem on a line.

    A pyinfra error, so that its command line shows `message` and no traceback.
    """

    @property
    def message(self) -> str:
        """What the command line of pyinfra prints."""
        lines = str(self).splitlines()
        return "\n    ".join(["the inventory was refused, and no host was changed:", *lines])


def read_yaml(path: Path, *, holds: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    """The content of a YAML file, and the line on which each key stands.

    holds: what the file is for, told where there is none.
    Raises InventoryError for a file that is missing, unreadable, empty or no YAML, and for a key given
    twice (YAML 1.2, 3.2.1.3; PyYAML would silently take the last).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InventoryError(f"{path}: cannot be read: {error.strerror}; it holds {holds}") from None
    except UnicodeDecodeError:
        raise InventoryError(f"{path}: not UTF-8; allowed: YAML in UTF-8") from None
    return parse_yaml(text, str(path), holds=holds)


def parse_yaml(
    text: str, name: str, *, holds: str, secret: bool = False
) -> tuple[Any, dict[tuple[str, ...], int]]:
    """`read_yaml` of a text that came from what messages call `name`.

    secret: say of a syntax error only its line, since a parser's message may quote the text.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise InventoryError(_no_yaml(name, error, secret=secret)) from None
    if content is None:
        raise InventoryError(f"{name}: is empty; it holds {holds}")
    try:
        return content, _lines(name, node)
    except RecursionError:
        raise InventoryError(f"{name}: an alias (*name) stands inside its own anchor (&name)") from None


def _lines(path: str, node: yaml.Node | None) -> dict[tuple[str, ...], int]:
    lines: dict[tuple[str, ...], int] = {}
    for key, line in _keys(node, ()):
        if key in lines:
            raise InventoryError(
                f"{path}:{line}: {dotted(key)}: given twice, first on line {lines[key]}; allowed: once"
            )
        lines[key] = line
    return lines


def _no_yaml(path: str, error: Exception, *, secret: bool) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{path}:{mark.line + 1}" if mark else path
    told = getattr(error, "problem", None) or str(error)
    if secret:
        told = "the text is not repeated, since it is secret; a value with : # ! * & or % needs quotes"
    return f"{where}: not YAML: {told}"


def _keys(node: yaml.Node | None, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            key = (*above, str(name.value))
            yield key, name.start_mark.line + 1
            yield from _keys(value, key)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            key = (*above, str(number))
            yield key, value.start_mark.line + 1
            yield from _keys(value, key)


def load_exchange(path: Path, flags: Mapping[str, str] | None = None) -> Exchange:
    """The exchange in the YAML file at `path`, with the command line's flags applied.

    Raises InventoryError with one line for each mistake.
    """
    content, lines = read_yaml(path, holds="the facts of an exchange (docs/inventory.md)")
    try:
        exchange = Exchange.model_validate(content)
    except ValidationError as error:
        raise InventoryError(problems(Exchange, error, path, lines)) from None
    if exchange.drills.under_way:
        raise InventoryError(
            f"{path}:{lines['drills', 'under_way']}: drills.under_way: a drill ends with the next converge; "
            "allowed: nothing, since the flag drill=NAME sets it"
        )
    try:
        return with_flags(exchange, flags or {})
    except ValueError as error:
        raise InventoryError(str(error)) from None
