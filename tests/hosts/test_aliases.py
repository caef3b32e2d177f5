"""The alias snapshot, asked as Postfix asks it and as the operator does."""

import json

import pytest

from controller.pyinfra import ROOT
from inventory.schema import Exchange, Exchanger
from tests.hosts.asking import Host, run_python
from twinmx.aliases.inventory import load_aliases
from twinmx.aliases.model import Alias

pytestmark = pytest.mark.role("aliases")

DIRECTORY = "/var/lib/twinmx/aliases"
BASE = f"{DIRECTORY}/aliases.lmdb"
TABLE = f"lmdb:{DIRECTORY}/aliases"
CHANGES = f"lmdb:{DIRECTORY}/aliases-changes"

RCPT = """
import smtplib
with smtplib.SMTP({address!r}, 25, timeout=20) as session:
    session.ehlo("tests.example")
    session.mail("probe@sender.example")
    code, text = session.rcpt({recipient!r})
    print(code, text.decode().replace({recipient!r}, "ADDRESS"))
"""

CHANGE = """
from pathlib import Path
from twinmx.aliases.model import Alias, Change
from twinmx.aliases.update import apply_changes
apply_changes(Path({base!r}), [Change({address!r}, {alias!r})], marker="")
"""


@pytest.fixture(scope="session")
def aliases(exchange: Exchange) -> tuple[Alias, ...]:
    """The aliases of the inventory."""
    return tuple(load_aliases(ROOT / exchange.aliases_file, exchange.domains))


def test_postfix_finds_every_alias(host: Host, aliases: tuple[Alias, ...]) -> None:
    for alias in aliases:
        found = host.run(f"postmap -q '{alias.address}' {TABLE}")
        assert found.rc == 0
        in_use = "OK" if alias.mailboxes_in_use else "550 5.2.1 the mailbox behind this alias is disabled"
        expected = in_use if alias.enabled else "550 5.1.1 this alias is disabled"
        assert found.stdout == f"{expected}\n", alias.address


def test_postfix_finds_nothing_else(host: Host, exchange: Exchange) -> None:
    domain = exchange.domains[0]
    for unknown in (f"nobody@{domain}", f"@{domain}", domain, "hello@elsewhere.example", "*"):
        for table in (TABLE, CHANGES):
            assert host.run(f"postmap -q '{unknown}' {table}").rc == 1


def test_case_does_not_matter_to_postfix(host: Host, aliases: tuple[Alias, ...]) -> None:
    assert host.run(f"postmap -q '{aliases[0].address.upper()}' {TABLE}").rc == 0


def test_the_operator_sees_where_an_alias_leads(host: Host, aliases: tuple[Alias, ...]) -> None:
    for alias in aliases:
        said = host.check_output(f"mxctl alias show '{alias.address}'").splitlines()[0]
        assert said.endswith(f": {', '.join(alias.mailboxes)}")
        assert ("(enabled" if alias.enabled else "(disabled") in said


def test_the_operator_is_told_of_an_unknown_alias(host: Host, exchange: Exchange) -> None:
    asked = host.run(f"mxctl alias show nobody@{exchange.domains[0]}")

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
    for name in ("aliases.lmdb", "aliases-changes.lmdb"):
        file = host.file(f"{DIRECTORY}/{name}")
        assert file.user == "twinmx"
        assert file.mode & 0o022 == 0


@pytest.mark.changes
def test_a_switched_off_alias_is_refused_from_the_next_message_on(
    host: Host, outside: Host, exchanger: Exchanger
) -> None:
    alias = "shop@masked.example"
    smtpd = host.check_output("pgrep -f 'libexec/postfix/master|lib/postfix/sbin/master'")
    ask = RCPT.format(address=str(exchanger.address), recipient=alias)
    assert run_python(outside, ask).startswith("250 ")
    try:
        host.check_output(f"mxctl alias disable {alias} --reason 'a test'")
        assert run_python(outside, ask).startswith("550 5.1.1 ")
        assert "disabled since" in host.check_output(f"mxctl alias show {alias}")
        assert host.file(f"{DIRECTORY}/overrides.json").user == "twinmx"
    finally:
        host.check_output(f"mxctl alias enable {alias}")
    assert run_python(outside, ask).startswith("250 ")
    assert json.loads(host.check_output("mxctl alias overrides --json")) == {}
    assert host.check_output("pgrep -f 'libexec/postfix/master|lib/postfix/sbin/master'") == smtpd


@pytest.mark.changes
def test_a_paused_alias_can_be_switched_on_here(host: Host, outside: Host, exchanger: Exchanger) -> None:
    alias = "paused@alias.example"
    ask = RCPT.format(address=str(exchanger.address), recipient=alias)
    try:
        host.check_output(f"mxctl alias enable {alias}")
        assert run_python(outside, ask).startswith("250 ")
    finally:
        host.check_output(f"mxctl alias disable {alias}")
    assert run_python(outside, ask).startswith("550 5.1.1 ")


@pytest.mark.changes
def test_an_alias_that_has_gone_is_answered_like_one_that_never_was(
    host: Host, outside: Host, exchanger: Exchanger, aliases: tuple[Alias, ...]
) -> None:
    gone = next(alias for alias in aliases if alias.address == "shop@masked.example")
    as_owner = "setpriv --reuid twinmx --regid twinmx --clear-groups /opt/twinmx/current/bin/python3"
    change = CHANGE.format(base=BASE, address=gone.address, alias=None)
    try:
        run_python(host, change, as_owner)
        answers = [
            run_python(outside, RCPT.format(address=str(exchanger.address), recipient=recipient))
            for recipient in (gone.address, "never@masked.example")
        ]
    finally:
        run_python(host, CHANGE.format(base=BASE, address=gone.address, alias=gone), as_owner)
    assert answers[0].startswith("550 5.1.1 ")
    assert answers[0] == answers[1]
    assert run_python(
        outside, RCPT.format(address=str(exchanger.address), recipient=gone.address)
    ).startswith("250 ")
