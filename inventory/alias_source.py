"""Where the aliases come from: the YAML file, or a PostgreSQL that another application writes."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from inventory.knob import FilePath, Form, Fqdn, HostAddress, Mistake, Network, Settings, knob

AliasSource = Literal["file", "postgresql"]
DATABASE_HOST = "database"
"""What pyinfra calls the host of the database."""

SqlName = Annotated[
    str,
    Form("a name in PostgreSQL: a letter, then letters, digits and _, all lower case"),
    StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=63),
]


class Database(Settings):
    """The PostgreSQL with the aliases, where `alias_source` is postgresql. Mail never waits for it: each
    exchanger follows it into a local file.
    """

    fqdn: Fqdn = knob(says="Its name in its certificate, which the exchangers verify.")
    address: HostAddress = knob(says="The IPv4 address at which the exchangers reach it.")
    port: int = knob(5432, ge=1, le=65535, says="Its port.")
    managed: bool = knob(
        True,
        says="Whether its host is set up by this project. If not, it needs the roles, the schema "
        "(`twinmx-aliases migrate`) and TLS from you: docs/operations.md.",
    )
    name: SqlName = knob("aliases", says="Name of the database.")
    user: SqlName = knob("exchanger", says="The role as which the exchangers log in; it reads.")
    clients: tuple[Network, ...] = knob(
        (), says="Networks from which applications may log in, over TLS and with a password."
    )
    authority: FilePath = knob(
        says="PEM file on the controller with the authority that signed its certificate."
    )
    poll_seconds: int = knob(
        5,
        ge=1,
        le=300,
        says="The longest time between two looks for changes; NOTIFY usually comes first.",
        unit="seconds",
    )
    statement_seconds: int = knob(
        20,
        ge=1,
        le=300,
        says="After this an exchanger gives up a statement, and tries again.",
        unit="seconds",
    )


def source_mistakes(source: AliasSource, database: Database | None) -> list[Mistake]:
    """The source that cannot be: a database that nobody has described."""
    if source == "postgresql" and database is None:
        reason = "there is no database section that says which; allowed: file, or describe the database"
        return [Mistake(("alias_source",), source, reason)]
    return []
