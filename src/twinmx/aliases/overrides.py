"""What the operator of this host said about single aliases, against their source.

A JSON file beside the snapshot. It outlives converges, rebuilds and restarts, until it is taken back:
in an incident an alias is switched off at once, also while the source is out of reach or in other hands.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from twinmx.durable import sync_directory


@dataclass(frozen=True, slots=True)
class Override:
    """An alias is `enabled`, or not, on this host; `since` in Unix seconds."""

    enabled: bool
    since: float
    reason: str = ""


class OverridesError(ValueError):
    """The file is not what `write_overrides` writes. It is never skipped: an alias would come back on."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    overrides: dict[str, Override]


def overrides_of(base: Path) -> Path:
    """Return the path of the overrides that belong to the snapshot `base`."""
    return base.with_name("overrides.json")


def read_overrides(path: Path) -> dict[str, Override]:
    """Return the overrides by address, none where there is no file.

    Raises `OverridesError` for a damaged file, `OSError` where it cannot be read.
    """
    try:
        return _File.model_validate_json(path.read_bytes()).overrides
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "file"
        raise OverridesError(f"{path}: {where}: {fault['msg']}") from error


def write_overrides(path: Path, overrides: Mapping[str, Override]) -> None:
    """Replace the file, durably, as one writer at a time; raises `OSError`."""
    content = {address: asdict(override) for address, override in sorted(overrides.items())}
    candidate = path.with_name(f".{path.name}.new")
    with candidate.open("w") as file:
        json.dump({"overrides": content}, file, indent=1)
        file.flush()
        os.fchmod(file.fileno(), 0o644)  # whatever the umask of an operator's shell is
        os.fsync(file.fileno())
    candidate.replace(path)
    sync_directory(path.parent)
