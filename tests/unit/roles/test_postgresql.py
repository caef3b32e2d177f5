"""The database of the aliases: who gets in, and what its follower is told."""

from pathlib import Path

import pytest

from inventory.alias_source import DATABASE_HOST
from inventory.load import InventoryError
from inventory.schema import Exchange
from roles import aliases, base, firewall, postgresql
from tests.unit.roles.exchanges import (
    DATABASE,
    DATABASE_PASSWORD,
    MX1,
    MX2,
    PEER_LINK,
    exchange,
    site,
)
from tests.unit.roles.rendered import named, text
from twinmx.aliases.database.settings import Settings
from twinmx.program.settings import load_settings


def following(**changes: object) -> Exchange:
    return exchange(MX1, MX2 | PEER_LINK, alias_source="postgresql", database=DATABASE | changes)


def logins(of: Exchange) -> list[list[str]]:
    lines = text(named(postgresql.render_files(site(of, DATABASE_HOST)), "pg_hba.conf")).splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def incoming(of: Exchange, name: str) -> list[str]:
    lines = (line.strip() for line in text(firewall.render_rules(site(of, name))).splitlines())
    return [line for line in lines if "dport" in line and not line.startswith("#")]


def test_every_exchanger_logs_in_over_tls_with_a_password_and_nobody_else_does() -> None:
    remote = [login for login in logins(following()) if login[0] != "local"]

    assert remote == [
        ["hostssl", "aliases", "exchanger", f"{address}/32", "scram-sha-256"]
        for address in ("10.0.0.12", "198.51.100.11", "198.51.100.12")
    ]


def test_applications_come_from_their_networks_alone_and_as_editors() -> None:
    of = following(clients=["192.0.2.0/28"])

    assert ["hostssl", "aliases", "+aliases_editor", "192.0.2.0/28", "scram-sha-256"] in logins(of)
    assert "ip saddr 192.0.2.0/28 tcp dport 5432 accept" in incoming(of, DATABASE_HOST)


def test_the_host_of_the_database_lets_exchangers_in_and_takes_no_mail() -> None:
    assert incoming(following(), DATABASE_HOST) == [
        "ip saddr 198.51.100.0/24 tcp dport 22 accept",
        *(
            f"ip saddr {host} tcp dport 5432 accept"
            for host in ("10.0.0.12", "198.51.100.11", "198.51.100.12")
        ),
    ]


def test_the_age_of_the_aliases_is_readable_where_they_are_followed() -> None:
    of = exchange(alias_source="postgresql", database=DATABASE, monitors={"clients": ["192.0.2.0/28"]})

    followed = [line for line in incoming(of, "mx1") if "20471" in line]

    assert [line.split()[2] for line in followed] == ["198.51.100.12", "192.0.2.0/28"]
    assert not [line for line in incoming(exchange(), "mx1") if "20471" in line]


def test_exchangers_know_the_database_without_dns() -> None:
    hosts = text(named(base.render_files(site(following())), "hosts"))

    assert "198.51.100.14 db.alias.example" in hosts.splitlines()


def test_the_host_of_the_database_knows_itself_and_every_exchanger() -> None:
    files = base.render_files(site(following(), DATABASE_HOST))

    assert text(named(files, "hostname")) == "db.alias.example\n"
    assert "198.51.100.11 mx1.alias.example mx1" in text(named(files, "hosts")).splitlines()
    assert text(named(files, "hosts")).count("db.alias.example") == 1


def test_the_follower_accepts_its_settings(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("authority")
    of = following(authority=str(tmp_path / "ca.pem"), statement_seconds=7)
    files = aliases.render_follower(site(of, "mx2"))
    file = tmp_path / "aliases.toml"
    file.write_text(text(named(files, aliases.SETTINGS)))

    read = load_settings(file, Settings)

    assert read.domains == of.domains
    assert (read.database.host, read.database.user) == ("db.alias.example", "exchanger")
    assert read.timing.statement_seconds == 7
    assert str(read.metrics.address) == "10.0.0.12"
    assert str(read.aliases.snapshot) == aliases.SNAPSHOT


def test_the_password_is_in_secret_files_alone(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("authority")
    of = following(authority=str(tmp_path / "ca.pem"))
    files = [*aliases.render_follower(site(of)), *postgresql.render_files(site(of, DATABASE_HOST))]
    password = named(files, aliases.PASSWORDS)
    roles = postgresql.render_roles(site(of, DATABASE_HOST))

    assert text(password) == f"{DATABASE_PASSWORD}\n"
    assert (password.mode, password.secret, roles.mode, roles.secret) == ("0400", True, "0400", True)
    assert not [file.path for file in files if file is not password and DATABASE_PASSWORD in text(file)]


def test_a_quote_in_the_password_ends_no_statement() -> None:
    sql = text(postgresql.render_roles(site(following(), DATABASE_HOST)))

    assert "PASSWORD 'elephants-never-''forget';" in sql


def test_an_authority_that_cannot_be_read_is_told() -> None:
    with pytest.raises(InventoryError, match=r"database\.authority: /none/ca\.pem: No such file"):
        aliases.render_follower(site(following(authority="/none/ca.pem")))
