"""`twinmx secrets`: make, check and rotate the secrets of an inventory. Values are never shown."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import yaml

from controller import name_server, secret_rotation, secret_store
from controller.dns import published
from controller.errors import ControllerError
from controller.report import console
from controller.secret_steps import following
from controller.usage import Inventory, told
from inventory.hosts import exchange_of
from inventory.schema import Exchange
from inventory.secret_drawing import draw
from inventory.secret_reading import text_of
from inventory.secrets import GAP, Secrets, load_secrets, missing, parse_secrets
from roles.lib.records.target import secret_options, target_of

AFTER = {"added": "promoted", "promoted": "retired"}

app = typer.Typer(help="Make, check and rotate the secrets of an inventory.", no_args_is_help=True)

COMMENT = """\
# The secrets of {inventory}, drawn by `twinmx secrets init`. What they are: docs/inventory.md, Secrets.
# How each is changed without downtime: docs/secrets.md. Keep a copy elsewhere: without srs_keys the bounces
# of what was sent do not come home.
"""


def _say(text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


@app.command()
def init(inventory: Inventory) -> None:
    """Make all secrets that an inventory needs, where it keeps them; what is there is never overwritten."""
    with told():
        exchange = exchange_of(Path(inventory))
        provider = exchange.dns.provider
        drawn = draw(exchange, secret_options(provider) if provider else ())
        text = secret_store.dump(drawn, COMMENT.format(inventory=inventory))
        path = secret_store.create(exchange.secrets_from, text)
        _say(f"✓ {path}: {', '.join(drawn)}", "green")
        for name in drawn.get("receivers", {}):
            _say(f"  to be filled in by you: receivers.{name}.secret ({GAP} stands there)")
        for name in drawn.get("dns_provider", {}):
            _say(f"  to be filled in by you, or taken out: dns_provider.{name} ({GAP} stands there)")
        for key in drawn.get("tsig_keys", []):
            _say(f"  give the key {key['name']} ({key['algorithm']}) to the name server: docs/secrets.md")
        _say(f"  then: twinmx secrets check {inventory}")


@app.command()
def check(inventory: Inventory) -> None:
    """Say which secrets an inventory has, and which are missing or malformed; exit status 1 if any is."""
    with told():
        exchange = exchange_of(Path(inventory))
        source = exchange.secrets_from
        secrets = load_secrets(source)
        for line in _found(secrets, exchange):
            _say(f"✓ {line}", "green")
        if exchange.dns.provider:
            target_of(exchange, secrets)
        if lacking := missing(secrets, exchange):
            raise ControllerError("\n✗ ".join(f"{source.name}: {line}" for line in lacking))


def _found(secrets: Secrets, exchange: Exchange) -> Iterator[str]:
    for name in sorted(secrets.model_fields_set - {"rotations"}):
        value = getattr(secrets, name)
        number = f": {len(value)}" if isinstance(value, tuple) else ""
        names = f": {', '.join(value)}" if isinstance(value, dict) else ""
        rotation = next((found for key, found in secrets.rotations.items() if key == name), None)
        told = ""
        if rotation:
            due = secret_rotation.next_from(name, rotation.stage, rotation.since, exchange)
            told = f"; {rotation.stage} since {rotation.since:%Y-%m-%d %H:%M %Z}"
            told += f", to be {AFTER[rotation.stage]} from {due:%Y-%m-%d %H:%M %Z} on"
        yield f"{name}{number}{names}{told}"


@app.command()
def rotate(
    inventory: Inventory,
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(secret_rotation.NAMES)}.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="All hosts have been converged since the last step.")
    ] = False,
    early: Annotated[bool, typer.Option("--early", help="Take a step that would have to wait.")] = False,
) -> None:
    """Take the next step of a rotation: add a new secret, then use it, then drop the old one.

    Each step changes the file alone, and says which commands come next.
    """
    with told():
        exchange = exchange_of(Path(inventory))
        source = exchange.secrets_from
        secret_store.refuse_unwritable(source)
        text = text_of(source)
        secrets = parse_secrets(text, source.name)
        content = yaml.safe_load(text)
        done = secret_rotation.step(content, name, exchange, datetime.now(UTC), early=early)
        if done.stage == "promoted" and name == "tsig_keys":
            name_server.refuse_unknown(exchange, secrets.tsig_keys[-1])
        elif done.stage == "promoted" and name == "dkim_keys":
            published.refuse_unpublished(exchange, secrets.dkim_keys[-1])
        elif done.stage in ("promoted", "retired") and not yes:
            question = "Have all hosts been converged since the step before (twinmx plan: nothing to change)?"
            typer.confirm(question, abort=True)
        written = secret_store.dump(done.content, secret_store.comment_of(text))
        after = parse_secrets(written, source.name)
        secret_store.replace(source, written)
        _say(f"✓ {name}: {done.stage}. Next:", "green")
        for line in following(name, done.stage, exchange, secrets, after, inventory):
            _say(f"  {line}")
