"""The common ground of settings: frozen, nothing unknown accepted, each knob documented where it is typed.

Also the shapes of values that several settings share, each with the words that tell a reader what is
accepted: the same words stand in an error and in docs/inventory.md.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from twinmx.addresses import domain_fault

LONGEST_NAME = 253  # RFC 1035, 2.3.4, without the root's dot


class Settings(BaseModel):
    """A group of knobs. Unknown keys are refused, because a misspelt knob must never be a silent default."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # a validation error of the secrets must not carry one
    )

    @field_validator("*", mode="before")
    @classmethod
    def _yes_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        """YAML 1.1 reads yes and on as true, and Python takes true for 1."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise ValueError("yes, no, on and off are no numbers")
        return value


@dataclass(frozen=True)
class Form:
    """What a shape accepts, in words that follow "allowed:"."""

    says: str


def knob(default: Any = ..., *, says: str, unit: str = "", **limits: Any) -> Any:
    """A documented setting: what it does, its unit, its default and its limits (docs/inventory.md)."""
    return Field(default, description=says, json_schema_extra={"unit": unit}, **limits)


class Mistake(NamedTuple):
    """A value that is wrong beside another one; `key` is relative to what the validator checks."""

    key: tuple[str | int, ...]
    value: object
    reason: str


def refuse(mistakes: Sequence[Mistake]) -> None:
    """Raise ValidationError if there are mistakes, each laid at the key that the reader should change."""
    if mistakes:
        raise ValidationError.from_exception_data(
            "together",
            [
                InitErrorDetails(
                    type=PydanticCustomError("together", "{reason}", {"reason": mistake.reason}),
                    loc=mistake.key,
                    input=mistake.value,
                )
                for mistake in mistakes
            ],
            hide_input=True,
        )


def given_twice(values: Sequence[object]) -> list[Mistake]:
    """The entries of a list that stand in it before."""
    return [
        Mistake((number,), value, "listed twice; allowed: once")
        for number, value in enumerate(values)
        if value in values[:number]
    ]


def _domain_name(name: str) -> str:
    if name.endswith("."):
        raise ValueError("the dot at the end is not written here")
    if fault := domain_fault(name):
        raise ValueError(fault)
    if name.rpartition(".")[2].isdecimal():
        raise ValueError("no top-level domain is a number; an address is no name")
    return name


def _host_address(written: object) -> object:
    """Numbers are refused (IPv4Address(10) is 0.0.0.10), and addresses that are no host's."""
    if isinstance(written, str):
        try:
            address = ipaddress.ip_address(written.strip())
        except ValueError:
            raise ValueError("not an address") from None
        if address.is_loopback or address.is_unspecified or address.is_multicast:
            raise ValueError("loopback, unspecified and multicast addresses are no host's own")
    elif not isinstance(written, IPv4Address | IPv6Address | None):
        raise ValueError("not an address")  # noqa: TRY004  pydantic reports ValueError alone
    return written


def _network(written: object) -> object:
    if isinstance(written, IPv4Network | IPv6Network):
        return written
    if not isinstance(written, str):
        raise ValueError("not a network")  # noqa: TRY004  pydantic reports ValueError alone
    try:
        network = ipaddress.ip_network(written, strict=False)
    except ValueError:
        raise ValueError("not a network") from None
    if "/" in written and str(network) != str(ipaddress.ip_interface(written)):
        raise ValueError(f"has bits set behind its prefix; the network is {network}")
    return network


def _only_fqdn(path: str) -> str:
    try:
        path.format(fqdn="")
    except (KeyError, IndexError, ValueError, AttributeError):
        raise ValueError("a placeholder other than {fqdn}, or a brace on its own") from None
    return path


Fqdn = Annotated[
    str,
    Form("a full domain name, as in mx1.alias.example"),
    StringConstraints(to_lower=True, max_length=LONGEST_NAME),
    AfterValidator(_domain_name),
]
ShortName = Annotated[
    str,
    Form("a short host name: a letter, then letters and digits, all lower case, as in mx1"),
    StringConstraints(pattern=r"^[a-z][a-z0-9]*$", max_length=63),
]
HostAddress = Annotated[
    IPv4Address,
    Form("the IPv4 address of one host, as in 203.0.113.11"),
    BeforeValidator(_host_address),
]
HostAddress6 = Annotated[
    IPv6Address,
    Form("the IPv6 address of one host, as in 2001:db8::11"),
    BeforeValidator(_host_address),
]
AnyHostAddress = Annotated[
    IPv4Address | IPv6Address,
    Form("the address of one host, as in 203.0.113.11 or 2001:db8::11"),
    BeforeValidator(_host_address),
]
Network = Annotated[
    IPv4Network | IPv6Network,
    Form("a network with its prefix length, as in 203.0.113.0/24 or 2001:db8::/32"),
    BeforeValidator(_network),
]
FilePath = Annotated[str, Form("the path of a file"), StringConstraints(min_length=1)]
PerHostPath = Annotated[
    str,
    Form("the path of a file; {fqdn} in it stands for the exchanger's name"),
    StringConstraints(min_length=1),
    AfterValidator(_only_fqdn),
]
RefusalText = Annotated[
    str,
    Form(
        "an enhanced status code of class 5 and printable ASCII text, at most 400 characters, as in "
        "5.2.1 Too many messages"
    ),
    StringConstraints(max_length=400, pattern=r"^5\.\d{1,3}\.\d{1,3} [ -~]+$"),
]
