"""`twinmx plan` against real hosts and a real name server: it says what is different, and changes nothing."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from controller import pyinfra
from controller.plan.schema import FILE
from inventory.schema import Exchange
from inventory.secrets import Secrets
from lab.converging import Pair
from tests.hosts.asking import Host, main_pid
from tests.hosts.conftest import reached
from tests.hosts.test_flags import zone

pytestmark = [pytest.mark.role("lib"), pytest.mark.changes]

ACTIONS = "/etc/rspamd/local.d/actions.conf"
KEY = "/etc/twinmx/tls/key.pem"


@pytest.fixture
def last(pair: Pair) -> Iterator[Host]:
    """The exchanger with the least mail; a converge puts right what a test has done to it."""
    yield reached(str(pair.exchange.exchangers[pair.last].address))
    pair.converge()


def plan(pair: Pair, *options: str) -> tuple[int, dict[str, Any]]:
    command = ["bin/twinmx", "plan", pair.inventory, "--json", *options]
    done = subprocess.run(command, cwd=pyinfra.ROOT, capture_output=True, text=True, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    Draft202012Validator(json.loads(FILE.read_text())).validate(document)
    return done.returncode, document


def state_of(host: Host) -> str:
    """All that a plan could spoil: files below /etc, the release, and what runs since when."""
    return str(
        host.check_output(
            "find /etc /opt/twinmx -xdev -type f -printf '%p %m %u %T@ %s\n' | sort | sha256sum; "
            "readlink /opt/twinmx/current; ls /var/lib/twinmx/converged; dpkg-query -W | sha256sum; "
            "systemctl show --property=Id,ActiveEnterTimestampMonotonic,MainPID "
            "postfix.service rspamd.service spamd.service 'forwarder@*' 'gate@*'"
        )
    )


def test_a_converged_pair_has_nothing_to_change(pair: Pair) -> None:
    status, planned = plan(pair)

    assert status == 0, planned
    assert {place["summary"] for place in (*planned["hosts"].values(), planned["dns"])} == {"nothing"}


def test_what_was_tampered_with_is_shown_and_left_to_the_converge(
    pair: Pair, last: Host, secrets: Secrets
) -> None:
    last.check_output(f"echo '# by hand' >>{ACTIONS}; chmod 0644 {KEY}; systemctl stop spamd")
    before, rspamd = state_of(last), main_pid(last, "rspamd")

    status, planned = plan(pair)

    assert status == 2
    assert state_of(last) == before
    place = planned["hosts"][pair.last]
    files = {change["path"]: change for change in place["changes"] if change["kind"] == "file"}
    assert files.keys() == {ACTIONS, KEY}
    assert "-# by hand" in files[ACTIONS]["diff"]
    assert files[KEY]["attributes"] == ["mode 0644 → 0400"]
    services = {
        change["name"]: change["action"] for change in place["changes"] if change["kind"] == "service"
    }
    assert services == {"rspamd": "restart", "spamd": "start", "postfix": "reload", "nginx": "reload"}
    others = [planned["hosts"][name]["summary"] for name in planned["hosts"] if name != pair.last]
    assert {*others, planned["dns"]["summary"]} == {"nothing"}

    changed = pair.converge()
    assert changed == {
        "tls | tls: files",
        "rspamd | rspamd: files",
        "rspamd | rspamd: converged",
        "spamassassin | spamd: converged",
        "postfix | postfix: converged",
        "policy | nginx: converged",
    }
    assert main_pid(last, "rspamd") != rspamd
    assert plan(pair)[0] == 0


def test_dns_records_are_shown_and_not_written(pair: Pair, exchange: Exchange, secrets: Secrets) -> None:
    first = min(exchange.exchangers, key=lambda name: exchange.exchangers[name].mx_priority)
    assert first != pair.last
    before = {domain: zone(exchange, secrets, domain) for domain in exchange.domains}

    status, planned = plan(pair, "--data", f"primary={pair.last}")

    assert status == 2
    assert {domain: zone(exchange, secrets, domain) for domain in exchange.domains} == before
    moved = {(change["name"], change["type"]): change for change in planned["dns"]["changes"]}
    assert moved.keys() == {(f"{domain}.", "MX") for domain in exchange.domains}
    lowest = exchange.exchangers[first].mx_priority
    for change in moved.values():
        assert f"{lowest} {exchange.exchangers[pair.last].fqdn}." in change["after"]["values"]


def test_hosts_that_are_out_of_reach_are_named_and_dns_is_planned_without_mx(pair: Pair) -> None:
    status, planned = plan(pair, "--data", "ssh_port=1", "--data", f"primary={pair.last}")

    assert status == 1
    assert all(place["errors"] and not place["changes"] for place in planned["hosts"].values())
    assert "MX: left as it is" in {kept["what"] for kept in planned["dns"]["kept"]}
    assert planned["dns"]["changes"] == []
