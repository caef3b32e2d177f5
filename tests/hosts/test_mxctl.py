"""`mxctl` on a converged pair, and from the controller: what it says is what the daemons say."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from controller import pyinfra
from inventory.schema import Exchange
from lab.waiting import until
from roles.release import COMPLETION
from tests.hosts.asking import Host
from tests.hosts.conftest import INVENTORY

pytestmark = pytest.mark.role("release")

CONTROLLER = [sys.executable, "-m", "controller", "mxctl", INVENTORY]
TAB = "COMP_WORDS='mxctl fail' COMP_CWORD=1 _MXCTL_COMPLETE=complete_bash mxctl"


def told(host: Host, command: str) -> Any:
    """What a command answers programs, whatever its exit status."""
    return json.loads(host.run(f"mxctl {command} --json").stdout)


def at_rest(host: Host) -> bool:
    return bool(told(host, "status")["well"])


def test_a_pair_at_rest_is_well(host: Host, exchange: Exchange, name: str) -> None:
    until(lambda: at_rest(host), 90, "a pair that is well")
    report = told(host, "status")

    assert (report["host"], report["wrong"]) == (name, [])
    assert report["hosts"].keys() == exchange.exchangers.keys()
    wanted = {other: facts.mx_priority for other, facts in exchange.exchangers.items()}
    assert report["mx"] == dict.fromkeys(exchange.domains, wanted)
    for seen in report["hosts"].values():
        assert seen["agent"]["state"] == "active"
        assert seen["forwarders"] == {"up": exchange.forwarder.workers, "of": exchange.forwarder.workers}
        assert seen["gates"] == {"up": exchange.gate.workers, "of": exchange.gate.workers}
        assert seen["queues"].keys() == {"in", "out"}
        assert seen["canary"].keys() == exchange.exchangers.keys()
        assert [engine["name"] for engine in seen["engines"]] == list(exchange.spam.engines)
        assert seen["limits"]["of"] >= exchange.gate.workers
        assert seen["snapshot"]["aliases"] > 0


def test_it_fits_a_screen_of_100_columns(host: Host, exchange: Exchange) -> None:
    shown = host.check_output("COLUMNS=100 mxctl status; true").splitlines()

    table = shown[: next(number for number, line in enumerate(shown) if line.startswith("MX of "))]
    assert max(map(len, table)) <= 100
    for name in exchange.exchangers:
        assert any(name in line for line in shown)


def test_only_root_gives_orders(host: Host) -> None:
    refused = host.run("setpriv --reuid nobody --clear-groups mxctl drain")

    assert refused.rc == 3
    assert "the failover agent cannot be asked" in refused.stderr


def test_tab_completes(host: Host) -> None:
    assert host.file(COMPLETION.path).content_string == COMPLETION.content
    assert host.check_output(TAB).split() == ["failover"]
    assert "mxctl" in host.check_output("bash -lic '_comp_load mxctl && complete -p mxctl'")


@pytest.fixture
def drained(host: Host) -> Iterator[Host]:
    """The host, drained by `mxctl`, and back in service afterwards."""
    until(lambda: at_rest(host), 90, "a pair that is well")
    done = host.run("mxctl drain --for 10m --reason tests --wait --json")
    assert done.rc == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "drained"
    yield host
    host.run("mxctl undrain")
    until(lambda: told(host, "failover status")["state"] == "active", 90, "the host back in service")


@pytest.mark.changes
def test_a_drain_is_shown_by_both_and_the_last_one_refuses(
    drained: Host, name: str, peers: Mapping[str, Host]
) -> None:
    for seen in (drained, *peers.values()):
        assert told(seen, "status")["hosts"][name]["agent"]["state"] == "drained"
        assert seen.run("mxctl status").rc == 1
    for peer in peers.values():
        refused = peer.run("mxctl drain")
        assert refused.rc == 1
        assert f"{name} is drained and relies on this host" in refused.stderr
        assert "This host stays in service" in refused.stderr
    assert "drain: by root: tests" in drained.check_output("journalctl -t mxctl -n 20 -o cat")


@pytest.mark.changes
def test_hold_and_release(host: Host) -> None:
    host.check_output("mxctl failover hold --for 10m --reason tests")
    try:
        assert told(host, "failover status")["hold"]["reason"] == "tests"
    finally:
        host.check_output("mxctl failover release")
    assert host.run("mxctl failover release").rc == 1


def test_from_the_controller_every_exchanger_answers(exchange: Exchange) -> None:
    done = subprocess.run(
        [*CONTROLLER, "--", "failover", "status", "--json"],
        cwd=pyinfra.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    answers = json.loads(done.stdout)
    assert {name: answer["answer"]["host"] for name, answer in answers.items()} == {
        name: name for name in exchange.exchangers
    }


def test_from_the_controller_nothing_is_changed_unasked() -> None:
    done = subprocess.run([*CONTROLLER, "--", "drain"], cwd=pyinfra.ROOT, capture_output=True, check=False)

    assert done.returncode == 2
