"""The secrets of an exchange: kept outside the repository, typed, never shown."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)

from inventory.dkim import DkimPair
from inventory.dns import OptionName
from inventory.knob import Form, Settings, ShortName, given_twice, knob, refuse
from inventory.load import InventoryError, parse_yaml
from inventory.masking import SHORTEST, hide
from inventory.mistakes import problems
from inventory.receivers import Receiver
from inventory.schema import Exchange
from inventory.secret_reading import from_environment, text_of
from inventory.secret_source import SecretSource

LEAST_KEY_BYTES = 16  # 128 bits: fewer could be guessed from a recorded update
GAP = "TO BE FILLED IN"
"""How a value begins that `twinmx secrets init` could not draw."""

ListName = Literal["srs_keys", "valkey_passwords", "database_passwords", "tsig_keys", "dkim_keys"]


def _is_given(secret: SecretStr) -> SecretStr:
    """Programs get their secrets one on a line."""
    if secret.get_secret_value().startswith(GAP):
        raise ValueError("is still to be filled in")
    if not secret.get_secret_value().isprintable():
        raise ValueError("has a line break, a tab or another control character")
    return secret


def _is_key(secret: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(secret.get_secret_value(), validate=True)
    except ValueError:
        raise ValueError("is no base64") from None
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"has {len(key)} bytes")
    return secret


def _text(least: int) -> Form:
    return Form(f"text of at least {least} characters")


Password = Annotated[SecretStr, _text(16), Field(min_length=16), AfterValidator(_is_given)]
SrsKey = Annotated[SecretStr, _text(32), Field(min_length=32), AfterValidator(_is_given)]
Foreign = Annotated[SecretStr, _text(SHORTEST), Field(min_length=SHORTEST), AfterValidator(_is_given)]
TsigKey = Annotated[
    SecretStr,
    Form(f"base64 of at least {LEAST_KEY_BYTES} bytes, as `tsig-keygen` and `keymgr --tsig` print it"),
    AfterValidator(_is_key),
]
Moment = Annotated[AwareDatetime, Form("a date and time with its zone, as in 2026-01-31T12:00:00Z")]


class Tsig(Settings):
    """The key that signs DNS updates (RFC 8945)."""

    name: str = knob(says="Name of the key on the name server.", min_length=1)
    algorithm: Literal["hmac-sha256", "hmac-sha512"] = knob("hmac-sha256", says="Its algorithm.")
    secret: TsigKey = knob(says="Its secret.")


class ReceiverSecret(Settings):
    """What a receiver of alerts is reached with."""

    secret: Foreign = knob(
        says="A webhook's URL, a routing key of PagerDuty, an API key of Opsgenie, or the relay's password."
    )


class Rotation(Settings):
    """How far `twinmx secrets rotate` has come with one of the lists."""

    stage: Literal["added", "promoted"] = knob(
        says="added: the last entry is new and not used yet; promoted: the first is, and the others are old."
    )
    since: Moment = knob(says="When it came there.")


class Secrets(Settings):
    """All secrets; each stays hidden in a repr, a log and a traceback.

    Of each list the first is used and all are accepted, so that none of two hosts, of which one has been
    converged, meets a secret that it does not know: docs/secrets.md.
    """

    rspamd_password: Password = knob(says="Password of Rspamd's controller.")
    valkey_passwords: tuple[Password, ...] = knob(
        says="Passwords of the programs' user in Valkey: they use the first, and it takes all.", min_length=1
    )
    database_passwords: tuple[Password, ...] = knob(
        (),
        says="Passwords of the exchangers in PostgreSQL, needed where alias_source is postgresql: the first "
        "is the database's, and an exchanger tries them in turn.",
    )
    srs_keys: tuple[SrsKey, ...] = knob(
        says="HMAC keys of rewritten senders, traces, verdicts, canaries and promises: the first signs, all "
        "are accepted.",
        min_length=1,
    )
    tsig_keys: tuple[Tsig, ...] = knob(
        (), says="DNS update keys, needed where dns.server is set: the first signs. Their names differ."
    )
    dns_provider: dict[OptionName, Foreign] = knob(
        {}, says="The secret options of dns.provider, by the provider's own names."
    )
    dkim_keys: tuple[DkimPair, ...] = knob(
        (), says="Pairs of DKIM keys of the served domains: the first signs, all are published."
    )
    receivers: dict[ShortName, ReceiverSecret] = knob(
        {}, says="What monitors.receivers are reached with, under the same names."
    )
    rotations: dict[ListName, Rotation] = knob({}, says="Kept by `twinmx secrets rotate`.")

    @field_validator("valkey_passwords", "database_passwords", "srs_keys")
    @classmethod
    def _entries_differ(cls, entries: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        refuse(given_twice(entries))
        return entries

    @field_validator("tsig_keys", "dkim_keys")
    @classmethod
    def _names_differ(cls, keys: tuple[Tsig | DkimPair, ...]) -> tuple[Tsig | DkimPair, ...]:
        refuse(given_twice([key.name for key in keys]))
        return keys

    @property
    def valkey_password(self) -> SecretStr:
        """The one that programs use."""
        return self.valkey_passwords[0]

    @property
    def database_password(self) -> SecretStr | None:
        """The one that the database has, if there is any."""
        return next(iter(self.database_passwords), None)

    @property
    def tsig(self) -> Tsig | None:
        """The key that signs DNS updates, if there is any."""
        return next(iter(self.tsig_keys), None)

    @property
    def values(self) -> list[str]:
        """Every secret, as text."""
        return list(_values(self))


def _values(found: object) -> Iterator[str]:
    if isinstance(found, SecretStr):
        yield found.get_secret_value()
    parts: Sequence[object] = ()
    if isinstance(found, BaseModel):
        parts = [getattr(found, name) for name in type(found).model_fields]
    elif isinstance(found, dict):
        parts = list(found.values())
    elif isinstance(found, tuple):
        parts = found
    for part in parts:
        yield from _values(part)


def missing(secrets: Secrets, exchange: Exchange) -> list[str]:
    """What `exchange` needs and `secrets` lacks, a line each; no secret is told.

    One source may serve several inventories, so what it has for others is no mistake.
    """
    told = []
    if exchange.dns.server and not secrets.tsig:
        told.append(
            f"tsig_keys: missing; allowed: the key for updates of dns.server ({exchange.dns.server} in the "
            "inventory)"
        )
    if exchange.followed and not secrets.database_password:
        told.append(
            f"database_passwords: missing; allowed: the password of {exchange.followed.user} in the database "
            "(alias_source is postgresql)"
        )
    if exchange.tls.reports.send and not secrets.dkim_keys:
        told.append(
            "dkim_keys: missing; allowed: a pair, since receivers ignore reports without a signature "
            "(tls.reports.send in the inventory)"
        )
    return [*told, *receiver_mistakes(secrets, exchange.monitors.receivers)]


def receiver_mistakes(secrets: Secrets, receivers: Mapping[str, Receiver]) -> list[str]:
    """What is missing or wrong among the secrets of `receivers`; no secret is told."""
    told = []
    for name, receiver in receivers.items():
        given = secrets.receivers.get(name)
        if receiver.needs_secret and given is None:
            told.append(
                f"receivers.{name}.secret: missing; allowed: what the {receiver.kind} is reached with"
            )
        if receiver.kind == "webhook" and given and not _is_url(given.secret):
            told.append(f"receivers.{name}.secret: is no URL; allowed: one, from https:// on")
    return told


def _is_url(secret: SecretStr) -> bool:
    found = urlsplit(secret.get_secret_value())
    return found.scheme in ("http", "https") and bool(found.hostname)


def parse_secrets(text: str, name: str) -> Secrets:
    """The secrets in the YAML `text`, which came from `name`; from now on they are masked in all output.

    Raises InventoryError, which names each mistake without its value.
    """
    content, lines = parse_yaml(text, name, holds="the secrets (docs/secrets.md)", secret=True)
    return _checked(content, name, lines)


def load_secrets(source: SecretSource) -> Secrets:
    """The secrets that `source` keeps; from now on they are masked in all output.

    Raises InventoryError, which names the source and each mistake without its value.
    """
    if source.kind == "environment":
        return _checked(from_environment(source, Secrets), source.name, {})
    return parse_secrets(text_of(source), source.name)


def _checked(content: object, name: str, lines: Mapping[tuple[str, ...], int]) -> Secrets:
    try:
        secrets = Secrets.model_validate(content)
    except ValidationError as error:
        raise InventoryError(problems(Secrets, error, name, lines, secret=True)) from None
    hide(*secrets.values)
    return secrets


the_secrets = cache(load_secrets)
"""`load_secrets`, asked once in a process: a command may want a touch of a hardware key each time."""
