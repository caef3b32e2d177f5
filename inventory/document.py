"""Write docs/inventory.md from the schema: `python -m inventory.document`.

Each knob is documented where it is typed, and only there. What is allowed is worded by the code that
words the errors, and the example is the file that the tests load.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from inventory.describe import ANY_NAME, allowed, bare, named_settings, settings_of
from inventory.flags import FLAGS
from inventory.schema import Exchange
from inventory.secrets import Secrets

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parent / "docs" / "inventory.md"

INTRODUCTION = """\
# The inventory

<!-- Written by `python -m inventory.document`. Change the schema in inventory/, never this file. -->

All facts of a mail exchange are in one YAML file: who the exchangers are, which domains they serve, and
every knob. A short Python file beside it says how pyinfra reaches the hosts. `inventory/exchange.yml` with
`lab.py` is the lab, `vagrant.yml` with `vagrant.py` the second pair, `fleet.yml` with `fleet.py` eight
hosts to measure on, `production.yml` with `production.py` an example to copy, which
[operations.md](operations.md#the-first-pair) does in one command:

```
bin/twinmx secrets init inventory/yours.py        # make its secrets
bin/twinmx secrets check inventory/yours.py       # check both; no host is asked
bin/twinmx plan inventory/yours.py                # what would change
bin/twinmx converge inventory/yours.py            # change it, one exchanger after another
```

Everything is checked before pyinfra connects to a host: unknown keys, values out of range, two exchangers
with one name or address, deadlines that do not fit into each other, secrets, aliases, flags. All mistakes
are told at once, each on a line with the file, the line, the key, the value and what is allowed:

```
inventory/yours.yml:29: rate_limits.answer: 250; allowed: 550, 450 or 421 (The SMTP answer above a limit)
```

## A complete example

`inventory/production.yml`:

```yaml
{example}```

`inventory/production.py`:

```python
{connection}```

What is left out has its default. Where the tables below say **required**, there is none.
"""
FLAGS_INTRODUCTION = """\
## Flags

A drill or an operation changes some facts for one converge, with `--data` on the command line, as in
`bin/twinmx converge inventory/lab.py --data primary=mx2`. Without the flag, the next converge goes back
to what the file says. A flag that is not in this table is refused, and so is one given twice. pyinfra's
own connection data (`--data ssh_user=…`, `ssh_port`, `ssh_key` …) goes to pyinfra.
"""
SECRETS_INTRODUCTION = """\
## Secrets

What `secrets_from` leads to, outside any repository; [secrets.md](secrets.md) has the kinds of sources and
how each secret is rotated. `twinmx secrets init INVENTORY` makes them, in the lab `make up`. Errors name the
source, the line and the key, never a value. Put values of your own into quotes: a password may hold a
character that means something in YAML.

```yaml
rspamd_password: "…"
valkey_passwords: ["…"] # of each list the first is used, all are accepted
database_passwords: ["…"] # only where alias_source is postgresql
srs_keys:
  - "the newest, which signs"
  - "the one before it, until its last bounces have come back (forwarder.bounce_days)"
tsig_keys: # only where dns.server is set
  - name: twinmx
    secret: "…"
receivers: # one for each of monitors.receivers, under its name
  pager:
    secret: "…"
```
"""
ALIASES_INTRODUCTION = """\
## Aliases

`aliases_file` names a YAML file with one list, `aliases`. An alias belongs to a served domain; a mailbox
does not, since mail to it would come back. `account` says whose alias it is, for limits and statistics;
`enabled: false` keeps an address taken while mail to it is refused. A second list, `disabled_mailboxes`, may
name mailboxes that take no mail, whichever alias leads to them; an alias that has no other one refuses it.

```yaml
{aliases}```
"""


class Group(NamedTuple):
    """Settings that stand together under one key, and their defaults (None where the group has none)."""

    key: str
    model: type[BaseModel]
    defaults: BaseModel | None


def groups(model: type[BaseModel], key: str = "", defaults: BaseModel | None = None) -> Iterator[Group]:
    """The group at `key` and all below it, in the order of the schema."""
    yield Group(key, model, defaults)
    for name, field in model.model_fields.items():
        below = f"{key}.{name}".removeprefix(".")
        annotation, _ = bare(field.annotation)
        if group := settings_of(annotation):
            default = getattr(defaults, name) if defaults else field.get_default(call_default_factory=True)
            yield from groups(group, below, default if isinstance(default, BaseModel) else None)
        elif group := named_settings(annotation):
            yield from groups(group, f"{below}.{ANY_NAME}")


def render() -> str:
    """The text of docs/inventory.md."""
    example, connection, aliases = (
        (FOLDER / name).read_text() for name in ("production.yml", "production.py", "production-aliases.yml")
    )
    parts = [INTRODUCTION.format(example=example, connection=connection)]
    parts += [_section(group, "The file") for group in groups(Exchange)]
    parts += [FLAGS_INTRODUCTION, _table(["Flag", "Example", "Meaning"], _flag_rows())]
    parts += [SECRETS_INTRODUCTION]
    parts += [_table_of(group) for group in groups(Secrets)]
    parts += [ALIASES_INTRODUCTION.format(aliases=aliases)]
    return "\n".join(parts)


def _section(group: Group, top: str) -> str:
    says = " ".join((group.model.__doc__ or "").split())
    return f"## {group.key or top}\n\n{says}\n\n{_table_of(group)}"


def _table_of(group: Group) -> str:
    rows = [
        (
            f"`{group.key}.{name}`".replace("`.", "`"),
            allowed(field.annotation, tuple(field.metadata)),
            _default(getattr(group.defaults, name) if group.defaults else field.get_default()),
            _unit(field),
            field.description or "",
        )
        for name, field in group.model.model_fields.items()
        if not settings_of(field.annotation) or field.description
    ]
    return _table(["Key", "Allowed", "Default", "Unit", "Meaning"], rows)


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "**required**"
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return f"`{{{', '.join(f'{name}: {one}' for name, one in value.model_dump().items())}}}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _flag_rows() -> list[tuple[str, ...]]:
    return [(f"`{name}`", f"`{name}={flag.example}`", flag.says) for name, flag in FLAGS.items()]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [list(head)]
    cells += [["---"] * len(cells[0])]
    cells += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(render())
