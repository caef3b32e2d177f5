"""The rolling converge: one host after the other, each behind the gate of the one before."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from controller.lock import FILE
from controller.pyinfra import ROOT
from controller.rolling import order
from lab.converging import Pair
from tests.hosts.asking import main_pid
from tests.hosts.conftest import reached

pytestmark = pytest.mark.role("lib")


def twinmx(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "controller", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def converge(pair: Pair, *options: str) -> subprocess.CompletedProcess[str]:
    return twinmx("converge", pair.inventory, *options)


def test_each_host_passes_its_gate_before_the_next_is_touched(pair: Pair, tmp_path: Path) -> None:
    seen = tmp_path / "gates"

    done = converge(pair, "--gate", f"echo {{name}} >> {seen}")

    assert done.returncode == 0, done.stdout
    assert seen.read_text().split() == order(pair.exchange)
    assert "DNS" in done.stdout


def test_a_failed_gate_stops_before_the_next_host(pair: Pair) -> None:
    first, second = order(pair.exchange)

    done = converge(pair, "--gate", "test {name} = nobody")

    assert done.returncode == 1
    assert f"{first}: the gate failed for {first}" in done.stdout
    assert f"Not touched: {second}, DNS" in done.stdout
    assert f"[{second}]" not in done.stdout + done.stderr


def test_a_mistake_in_a_flag_is_told_and_no_host_is_reached(pair: Pair) -> None:
    done = converge(pair, "--data", "worker=12")

    assert done.returncode == 1
    assert "Did you mean workers?" in done.stdout
    assert "Connected" not in done.stdout + done.stderr


def test_a_pair_with_nothing_to_change_is_neither_drained_nor_restarted(pair: Pair) -> None:
    hosts = [reached(str(exchanger.address)) for exchanger in pair.exchange.exchangers.values()]
    audit = "cat /var/lib/twinmx/failover/audit.jsonl | wc -l"
    before = [(host.check_output(audit), main_pid(host, "postfix")) for host in hosts]

    done = converge(pair)

    assert done.returncode == 0, done.stdout
    assert [(host.check_output(audit), main_pid(host, "postfix")) for host in hosts] == before


def test_somebody_else_s_run_is_told_and_only_a_dead_one_is_broken(pair: Pair) -> None:
    first = reached(str(pair.exchange.exchangers[order(pair.exchange)[0]].address))
    held = '{"id": "0", "who": "ada@console", "since": "2026-01-01 10:00 UTC", "beat": %s}'
    alive = f"printf '{held}' $(cut -d' ' -f1 /proc/uptime) >{FILE}"
    try:
        first.check_output(alive)
        refused = converge(pair, "--break-lock")
        assert refused.returncode == 1
        assert "ada@console converges since 2026-01-01 10:00 UTC" in refused.stdout

        first.check_output(f"printf '{held}' -1000 >{FILE}")
        assert "--break-lock" in converge(pair).stdout
        assert converge(pair, "--break-lock").returncode == 0
        assert not first.file(FILE).exists
    finally:
        first.check_output(f"rm -f {FILE}")


@pytest.mark.changes
def test_a_host_that_an_operator_drained_is_converged_and_stays_drained(pair: Pair) -> None:
    name = order(pair.exchange)[0]
    host = reached(str(pair.exchange.exchangers[name].address))
    host.check_output("mxctl drain --wait --reason 'a test'")
    try:
        done = converge(pair, "--host", name, "--data", "spam_engines=spamassassin,rspamd")

        assert done.returncode == 0, done.stdout
        assert "it is drained, and is left so" in done.stdout
        assert json.loads(host.check_output("mxctl failover status --json"))["state"] == "drained"
    finally:
        host.check_output("mxctl undrain")
        assert converge(pair, "--host", name).returncode == 0


@pytest.mark.changes
def test_a_rollback_undoes_the_last_converge_and_no_more(pair: Pair) -> None:
    name = order(pair.exchange)[0]
    host = reached(str(pair.exchange.exchangers[name].address))
    settings = "cat /etc/twinmx/forwarder.toml"
    before = host.check_output(settings)
    try:
        changed = converge(pair, "--host", name, "--data", "spam_engines=spamassassin,rspamd")
        assert changed.returncode == 0, changed.stdout
        assert host.check_output(settings) != before

        back = twinmx("rollback", pair.inventory, name)

        assert back.returncode == 0, back.stdout
        assert "put back /etc/twinmx/forwarder.toml" in back.stdout
        assert host.check_output(settings) == before
        assert json.loads(host.check_output("mxctl failover status --json"))["state"] == "active"
        assert pair.converge(name) == set(), "stamps and files are those of the inventory without the flag"
        again = twinmx("rollback", pair.inventory, name)
        assert (again.returncode, "nothing to go back to" in again.stdout) == (1, True)
        assert json.loads(host.check_output("mxctl failover status --json"))["state"] == "active"
    finally:
        host.run("mxctl undrain")
        pair.converge(name)
