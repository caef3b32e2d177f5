"""The secrets of an exchange: read from a file outside the repository, typed, never shown."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError

from inventory.knob import Form, Settings, ShortName, knob
from inventory.load import InventoryError, read_yaml
from inventory.mistakes import problems
from inventory.receivers import Receiver

LEAST_KEY_BYTES = 16  # 128 bits: fewer could be guessed from a recorded update


def _is_key(secret: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(secret.get_secret_value(), validate=True)
    except ValueError:
        raise ValueError("is no base64") from None
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"has {len(key)} bytes")
    return secret


Password = Annotated[SecretStr, Form("text of at least 16 characters"), Field(min_length=16)]
SrsKey = Annotated[SecretStr, Form("text of at least 32 characters"), Field(min_length=32)]
TsigKey = Annotated[
    SecretStr,
    Form(f"base64 of at least {LEAST_KEY_BYTES} bytes, as `tsig-keygen` and `keymgr --tsig` print it"),
    AfterValidator(_is_key),
]


class Tsig(Settings):
    """The key that signs DNS updates (RFC 8945)."""

    name: str = knob(says="Name of the key on the name server.", min_length=1)
    algorithm: Literal["hmac-sha256", "hmac-sha512"] = knob("hmac-sha256", says="Its algorithm.")
    secret: TsigKey = knob(says="Its secret.")


class ReceiverSecret(Settings):
    """What a receiver of alerts is reached with."""

    secret: SecretStr = knob(
        min_length=1,
        says="A webhook's URL, a routing key of PagerDuty, an API key of Opsgenie, or the relay's password.",
    )


class Secrets(Settings):
    """All secrets; each stays hidden in a repr, a log and a traceback."""

    rspamd_password: Password = knob(says="Password of Rspamd's controller.")
    valkey_password: Password = knob(says="Password of the programs' user in Valkey.")
    database_password: Password | None = knob(
        None, says="Password of the exchangers in PostgreSQL; needed where alias_source is postgresql."
    )
    srs_keys: tuple[SrsKey, ...] = knob(
        says="HMAC keys of rewritten senders: the first signs, all are accepted. Append a new one, converge, "
        "then put it first and converge again: no exchanger meets a key that it does not know.",
        min_length=1,
    )
    tsig: Tsig | None = knob(None, says="The DNS update key; needed where dns.server is set.")
    receivers: dict[ShortName, ReceiverSecret] = knob(
        {}, says="What monitors.receivers are reached with, under the same names."
    )


def receiver_mistakes(secrets: Secrets, receivers: Mapping[str, Receiver]) -> list[str]:
    """What is missing or wrong among the secrets of `receivers`; no secret is told.

    One file may serve several inventories, so what it has for others is no mistake.
    """
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


def load_secrets(path: Path) -> Secrets:
    """The secrets in the YAML file at `path`; InventoryError names what is wrong, without its value."""
    content, lines = read_yaml(
        path, holds="the secrets (docs/inventory.md, Secrets; `make up` writes them for the lab)", secret=True
    )
    try:
        return Secrets.model_validate(content)
    except ValidationError as error:
        raise InventoryError(problems(Secrets, error, path, lines, secret=True)) from None
