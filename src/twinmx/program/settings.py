"""Settings files: TOML, every key typed, unknown ones refused, each fault named with key and value."""

import tomllib
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyAddress, ValidationError

from twinmx.addresses import domain_fault, fold


class SettingsError(Exception):
    """A settings file that is not accepted; the message has a line for each fault."""


def _domain(value: str) -> str:
    if fault := domain_fault(value):
        raise ValueError(fault)
    return fold(value)


Domain = Annotated[str, AfterValidator(_domain)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of a settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Metrics(Table):
    """Worker N serves /metrics and /healthz at `port_base` + N."""

    address: IPvAnyAddress
    port_base: Port


class Aliases(Table):
    """The snapshot file."""

    snapshot: Path


Model = TypeVar("Model", bound=Table)


def load_settings(path: Path, model: type[Model]) -> Model:
    """Read `path` as a `model`; raises `SettingsError` naming each key, its value and what is allowed."""
    try:
        return model.model_validate(tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    except ValidationError as error:
        faults = [
            f"{path}: {'.'.join(str(part) for part in fault['loc']) or 'settings'}"
            f"{_shown(fault['input'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise SettingsError("\n".join(faults)) from error


def _shown(value: object) -> str:
    return "" if isinstance(value, dict) else f" = {value!r}"
