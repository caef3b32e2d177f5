"""What a knob accepts, in words, and where it stands: for error messages and for docs/inventory.md.

Both read the types of the schema itself, so that neither can promise what the other refuses.
"""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import annotated_types as limits
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from inventory.knob import Form

ANY_NAME = "NAME"
BASIC = {bool: "true or false", int: "a whole number", float: "a number", str: "text", SecretStr: "text"}


class Place(NamedTuple):
    """What stands at one key: its type, its limits, and the sentence that documents it."""

    annotation: Any
    metadata: tuple[Any, ...] = ()
    says: str = ""


def bare(annotation: Any, metadata: tuple[Any, ...] = ()) -> tuple[Any, tuple[Any, ...]]:
    """A type without its Annotated and without `| None`; what was annotated joins the metadata."""
    if any(isinstance(mark, Form) for mark in metadata):
        return annotation, metadata
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return bare(inner, (*metadata, *marks))
    if get_origin(annotation) in (Union, UnionType):
        kept = [option for option in get_args(annotation) if option is not type(None)]
        if len(kept) == 1:
            return bare(kept[0], metadata)
    return annotation, metadata


def settings_of(annotation: Any) -> type[BaseModel] | None:
    """The group of settings that a mapping of this type holds, or None where it is no such mapping."""
    found, _ = bare(annotation)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def named_settings(annotation: Any) -> type[BaseModel] | None:
    """The group under each name of a mapping from names of one's own choice; None where it holds values."""
    found, _ = bare(annotation)
    return settings_of(get_args(found)[1]) if get_origin(found) is dict else None


def place(model: type[BaseModel], key: tuple[str | int, ...]) -> Place | None:
    """What stands at `key` below `model`; None for a key that the schema does not know.

    A last part "[key]" (pydantic's word) means the name itself, in a mapping from names of one's own choice.
    """
    if key and key[-1] == "[key]":
        mapping = place(model, key[:-2])
        return Place(get_args(bare(mapping.annotation)[0])[0]) if mapping else None
    found = Place(model)
    for part in key:
        annotation, _ = bare(found.annotation)
        group = settings_of(annotation)
        if group:
            if str(part) not in group.model_fields:
                return None
            field = group.model_fields[str(part)]
            found = Place(field.annotation, tuple(field.metadata), field.description or "")
        elif get_origin(annotation) is dict:
            found = Place(get_args(annotation)[1], (), found.says)
        elif get_origin(annotation) is tuple:
            found = Place(get_args(annotation)[0], (), found.says)
    return found


def knobs(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every knob below `model` with its key, groups left out; NAME stands for a name of one's own choice."""
    for name, field in model.model_fields.items():
        annotation, _ = bare(field.annotation)
        group = settings_of(annotation)
        if group:
            yield from knobs(group, (*above, name))
        elif group := named_settings(annotation):
            yield from knobs(group, (*above, name, ANY_NAME))
        else:
            yield (*above, name), field


def listed(words: list[str]) -> str:
    """`a, b or c`."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def allowed(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    """The values of a type within its limits, in words that follow "allowed:"."""
    annotation, metadata = bare(annotation, metadata)
    for mark in metadata:
        if isinstance(mark, Form):
            return mark.says
    group, origin = settings_of(annotation), get_origin(annotation)
    if group:
        return f"a mapping with the keys {', '.join(group.model_fields)}"
    if origin is Literal:
        return listed([str(choice) for choice in get_args(annotation)])
    if origin is tuple:
        size = " of one or more" if _limit(metadata, limits.MinLen, "min_length") else ""
        return f"a list{size}, each: {allowed(get_args(annotation)[0])}"
    if origin is dict:
        return f"one or more names, each with {allowed(get_args(annotation)[1])}"
    return BASIC[annotation] + _range(annotation, metadata)


def _limit(metadata: tuple[Any, ...], kind: type, attribute: str) -> Any:
    return next((getattr(mark, attribute) for mark in metadata if isinstance(mark, kind)), None)


def _range(annotation: Any, metadata: tuple[Any, ...]) -> str:
    least, most = _limit(metadata, limits.Ge, "ge"), _limit(metadata, limits.Le, "le")
    above, length = _limit(metadata, limits.Gt, "gt"), _limit(metadata, limits.MinLen, "min_length")
    if annotation is int and above is not None:
        least, above = above + 1, None
    if length:
        return f" of at least {length} characters" if length > 1 else ", not empty"
    if least is not None and most is not None:
        return f" from {least} to {most}"
    words = [f" above {above}"] if above is not None else []
    words += [f", at least {least}"] if least is not None else []
    words += [f", at most {most}"] if most is not None else []
    return "".join(words)
