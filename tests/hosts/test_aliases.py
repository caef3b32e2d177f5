"""The alias snapshot, asked as Postfix asks it and as the operator does."""

import pytest

from controller.pyinfra import ROOT
from inventory.schema import Exchange
from tests.hosts.asking import Host
from twinmx.aliases.inventory import load_aliases
from twinmx.aliases.model import Alias

pytestmark = pytest.mark.role("aliases")

TABLE = "lmdb:/var/lib/twinmx/aliases/aliases"
SHOW = "/opt/twinmx/current/bin/twinmx-aliases show"


@pytest.fixture(scope="session")
def aliases(exchange: Exchange) -> tuple[Alias, ...]:
    """The aliases of the inventory."""
    return tuple(load_aliases(ROOT / exchange.aliases_file, exchange.domains))


def test_postfix_finds_every_alias(host: Host, aliases: tuple[Alias, ...]) -> None:
    for alias in aliases:
        found = host.run(f"postmap -q '{alias.address}' {TABLE}")
        assert found.rc == 0
        assert found.stdout.startswith("DUNNO" if alias.enabled else "550 5.1.1 "), alias.address


def test_postfix_finds_nothing_else(host: Host, exchange: Exchange) -> None:
    domain = exchange.domains[0]
    for unknown in (f"nobody@{domain}", f"@{domain}", domain, "hello@elsewhere.example", "*"):
        assert host.run(f"postmap -q '{unknown}' {TABLE}").rc == 1


def test_case_does_not_matter_to_postfix(host: Host, aliases: tuple[Alias, ...]) -> None:
    assert host.run(f"postmap -q '{aliases[0].address.upper()}' {TABLE}").rc == 0


def test_the_operator_sees_where_an_alias_leads(host: Host, aliases: tuple[Alias, ...]) -> None:
    for alias in aliases:
        said = host.check_output(f"{SHOW} '{alias.address}'")
        assert said.endswith(f": {', '.join(alias.mailboxes)}")
        assert ("(enabled" if alias.enabled else "(disabled") in said


def test_the_operator_is_told_of_an_unknown_alias(host: Host, exchange: Exchange) -> None:
    asked = host.run(f"{SHOW} nobody@{exchange.domains[0]}")

    assert asked.rc == 1
    assert f"nobody@{exchange.domains[0]}: no such alias" in asked.stderr


def test_a_source_with_a_fault_is_refused_with_its_line_and_the_snapshot_stays(host: Host) -> None:
    before = host.file("/var/lib/twinmx/aliases/aliases.lmdb").sha256sum
    target = "$d/aliases.lmdb"
    tried = host.run(
        f'd=$(mktemp -d); cp /var/lib/twinmx/aliases/aliases.lmdb {target}; echo "no alias" >$d/source; '
        f"/opt/twinmx/current/bin/twinmx-aliases build $d/source {target} 2>&1; echo $?; "
        f"sha256sum {target}; rm -r $d"
    )
    *told, status, digest = tried.stdout.strip().splitlines()

    assert status == "1"
    assert "source:1: " in " ".join(told)
    assert digest.split()[0] == before


def test_the_snapshot_belongs_to_the_programs(host: Host) -> None:
    snapshot = host.file("/var/lib/twinmx/aliases/aliases.lmdb")

    assert snapshot.user == "twinmx"
    assert snapshot.mode & 0o022 == 0
