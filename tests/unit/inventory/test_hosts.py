"""What pyinfra is given, and what is refused before it connects."""

import json

import pytest
import yaml

from inventory.dkim import new_pair
from inventory.hosts import hosts_of
from inventory.load import InventoryError
from inventory.schema import Exchange
from tests.unit.inventory.files import Files, line_of, spoil


def test_each_host_carries_the_whole_exchange_as_plain_data(files: Files) -> None:
    exchangers, _, controller = hosts_of(
        str(files.facts),
        connection={"ssh_hostname": "{address}", "ssh_key": "keys/{name}", "ssh_port": 2222},
        flags={"workers": "12"},
    )

    assert [name for name, _ in exchangers + controller] == ["mx1", "mx2", "@local"]
    data = exchangers[1][1]
    assert data["exchanger"] == "mx2"
    assert (data["ssh_hostname"], data["ssh_key"], data["ssh_port"]) == ("198.51.100.12", "keys/mx2", 2222)
    for _, data in exchangers + controller:
        assert json.loads(json.dumps(data)) == data
        assert Exchange.model_validate(data["exchange"]).forwarder.workers == 12


def test_no_secret_is_in_the_data_of_a_host(files: Files) -> None:
    exchangers, _, controller = hosts_of(str(files.facts), connection={}, flags={})

    assert "staple-of-many-words" not in json.dumps(exchangers + controller)


def test_a_dns_server_needs_its_key(files: Files) -> None:
    secrets = files.secrets.read_text()
    files.secrets.write_text(secrets[: secrets.index("tsig_keys:")])

    with pytest.raises(InventoryError) as refused:
        hosts_of(str(files.facts), connection={}, flags={})

    rule = "tsig_keys: missing; allowed: the key for updates of dns.server (198.51.100.10 in the inventory)"
    assert str(refused.value) == f"{files.secrets}: {rule}"


def test_without_a_dns_server_no_key_is_needed(files: Files) -> None:
    secrets = files.secrets.read_text()
    files.secrets.write_text(secrets[: secrets.index("tsig_keys:")])
    spoil(files.facts, "  server: 198.51.100.10\n", "")

    exchangers, _, _ = hosts_of(str(files.facts), connection={}, flags={})

    assert len(exchangers) == 2


def test_mistakes_in_the_aliases_are_told_with_their_lines(files: Files) -> None:
    spoil(files.aliases, "hello@alias.example", "hello@elsewhere.example")

    with pytest.raises(InventoryError) as refused:
        hosts_of(str(files.facts), connection={}, flags={})

    where = f"{files.aliases}:{line_of(files.aliases, 'elsewhere')}: "
    assert str(refused.value).startswith(where)
    assert "outside the served domains" in str(refused.value)


def test_a_served_domain_without_a_postmaster_is_refused(files: Files) -> None:
    spoil(files.aliases, "postmaster@masked.example", "owner@masked.example")

    with pytest.raises(InventoryError, match=r"no enabled alias postmaster@masked\.example; allowed"):
        hosts_of(str(files.facts), connection={}, flags={})


def test_a_postmaster_without_a_mailbox_in_use_is_none(files: Files) -> None:
    with files.aliases.open("a") as aliases:
        aliases.write("disabled_mailboxes: [hello@mailbox.example]\n")

    with pytest.raises(InventoryError, match=r"no enabled alias postmaster@alias\.example and no .* in use"):
        hosts_of(str(files.facts), connection={}, flags={})


def test_reports_on_tls_need_a_key_that_signs_them(files: Files) -> None:
    spoil(files.facts, "{fqdn}.key\n", "{fqdn}.key\n  reports: {send: true}\n")

    with pytest.raises(InventoryError, match=r"dkim_keys: missing; allowed: a pair, since receivers ignore"):
        hosts_of(str(files.facts), connection={}, flags={})


def test_whom_receivers_may_ask_about_reports_is_an_alias(files: Files) -> None:
    with files.secrets.open("a") as secrets:
        secrets.write(yaml.safe_dump({"dkim_keys": [new_pair("k1")]}))
    named = "{fqdn}.key\n  reports: {send: true, contact: CONTACT}\n"

    spoil(files.facts, "{fqdn}.key\n", named.replace("CONTACT", "nobody@alias.example"))
    with pytest.raises(
        InventoryError, match=r"tls\.reports\.contact: nobody@alias\.example: no enabled alias"
    ):
        hosts_of(str(files.facts), connection={}, flags={})
    spoil(files.facts, "nobody@alias.example", "hello@alias.example")
    assert hosts_of(str(files.facts), connection={}, flags={})


def test_missing_aliases_are_told_with_the_key_that_names_them(files: Files) -> None:
    files.aliases.unlink()

    with pytest.raises(InventoryError) as refused:
        hosts_of(str(files.facts), connection={}, flags={})

    rule = f"aliases_file: '{files.aliases}' cannot be read: No such file or directory"
    assert str(refused.value) == f"{files.facts}: {rule}"


def test_the_database_has_a_host_of_its_own_where_the_aliases_come_from_it(files: Files) -> None:
    connection = {"ssh_hostname": "{address}"}

    _, unused, _ = hosts_of(str(files.facts), connection=connection, flags={})
    _, databases, _ = hosts_of(str(files.facts), connection=connection, flags={"aliases_from": "postgresql"})

    assert unused == []
    ((name, data),) = databases
    assert (name, data["database"], data["ssh_hostname"]) == ("database", True, "198.51.100.13")
    assert "exchanger" not in data


def test_a_database_of_somebody_else_is_no_host_of_ours(files: Files) -> None:
    spoil(files.facts, "  fqdn: db.alias.example", "  managed: false\n  fqdn: db.alias.example")

    _, databases, _ = hosts_of(str(files.facts), connection={}, flags={"aliases_from": "postgresql"})

    assert databases == []


def test_the_aliases_file_is_not_needed_beside_a_database(files: Files) -> None:
    files.aliases.unlink()

    exchangers, _, _ = hosts_of(str(files.facts), connection={}, flags={"aliases_from": "postgresql"})

    assert len(exchangers) == 2


def test_a_database_needs_its_password(files: Files) -> None:
    spoil(files.secrets, "database_passwords: [elephants-never-forget]\n", "")

    with pytest.raises(InventoryError) as refused:
        hosts_of(str(files.facts), connection={}, flags={"aliases_from": "postgresql"})

    assert str(refused.value).startswith(
        f"{files.secrets}: database_passwords: missing; allowed: the password of exchanger in the database"
    )


def test_aliases_from_a_database_that_is_not_described_are_refused(files: Files) -> None:
    facts = files.facts.read_text()
    files.facts.write_text("alias_source: postgresql\n" + facts[: facts.index("database:")])

    with pytest.raises(InventoryError) as refused:
        hosts_of(str(files.facts), connection={}, flags={})

    rule = "there is no database section that says which; allowed: file, or describe the database"
    assert f"{files.facts}:1: alias_source: 'postgresql': {rule}" in str(refused.value)
