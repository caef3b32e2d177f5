"""A restart is a state: whatever happened to a service, the next converge brings it back, and only it."""

from collections.abc import Iterator

import pytest

from lab.converging import Pair
from tests.hosts.asking import Host, main_pid, run_python
from tests.hosts.conftest import reached

pytestmark = [pytest.mark.role("lib"), pytest.mark.changes]

SIZE = """
import smtplib
with smtplib.SMTP("127.0.0.1", timeout=5) as session:
    session.ehlo("test.example")
    print(session.esmtp_features["size"])
"""
ORDER = {"spam_engines": "spamassassin,rspamd"}


@pytest.fixture
def victim(pair: Pair) -> Iterator[Host]:
    """The exchanger with the least mail, plainly converged again when the test is over."""
    yield reached(str(pair.exchange.exchangers[pair.last].address))
    pair.converge(pair.last)


def processes(host: Host) -> dict[str, int]:
    """The first process of every service."""
    units = (
        "postfix",
        "postfix@out",
        "rspamd",
        "spamd",
        "valkey-server",
        "forwarder@1",
        "forwarder@2",
        "gate@1",
    )
    return {unit: main_pid(host, unit) for unit in units}


def test_a_converge_that_was_interrupted_before_the_restart_restarts_at_the_next(
    pair: Pair, victim: Host
) -> None:
    before = processes(victim)
    placed = pair.run(pair.last, "tests/hosts/deploys/placed_only.py", **ORDER)
    assert placed.changed == {"forwarder: files", "gate: files"}, placed.told
    assert processes(victim) == before, "the interrupted converge restarted nothing"

    assert pair.converge(pair.last, **ORDER) == {
        "forwarder | forwarder: converged",
        "gate | gate: converged",
        # it is told of engines and workers, and was not part of what was interrupted
        "failover | failover: files",
        "failover | failover: converged",
        "drift | drift: files",
        "drift | drift: converged",
    }

    after = processes(victim)
    assert {unit for unit in before if before[unit] != after[unit]} == {
        "forwarder@1",
        "forwarder@2",
        "gate@1",
    }
    assert pair.converge(pair.last, **ORDER) == set()


def test_a_service_that_was_stopped_by_hand_is_started(pair: Pair, victim: Host) -> None:
    victim.check_output("systemctl stop spamd forwarder@2")

    assert pair.converge(pair.last) == {"spamassassin | spamd: converged", "forwarder | forwarder: converged"}

    assert victim.service("spamd").is_running
    assert victim.service("forwarder@2").is_running
    assert pair.converge(pair.last) == set()


def test_a_service_that_was_disabled_is_enabled(pair: Pair, victim: Host) -> None:
    victim.check_output("systemctl disable -q nftables forwarder.target")

    assert pair.converge(pair.last) == {"firewall | nftables: converged", "forwarder | forwarder: converged"}

    assert victim.service("nftables").is_enabled
    assert victim.service("forwarder.target").is_enabled


def test_a_file_that_was_changed_by_hand_is_put_back_and_taken_up(pair: Pair, victim: Host) -> None:
    """Also where the service was reloaded, and so runs with the change."""
    victim.check_output("postconf -e message_size_limit=70000 queue_minfree=140000 && postfix reload")
    assert run_python(victim, SIZE) == "70000"

    assert pair.converge(pair.last) == {"postfix | postfix: files", "postfix | postfix: converged"}

    assert run_python(victim, SIZE) == str(pair.exchange.messages.max_bytes)
    assert pair.converge(pair.last) == set()


def test_a_mode_that_was_opened_is_closed(pair: Pair, victim: Host) -> None:
    victim.check_output("chmod 644 /etc/twinmx/credentials/srs-keys")

    assert "forwarder | forwarder: files" in pair.converge(pair.last)

    assert victim.file("/etc/twinmx/credentials/srs-keys").mode == 0o400


def test_a_service_that_does_not_start_fails_with_its_own_words(pair: Pair, victim: Host) -> None:
    """And it is not taken for converged: the next converge tries again, whatever the start limit says."""
    override = "/run/systemd/system/valkey-server.service.d/broken.conf"
    victim.check_output(
        f"mkdir -p $(dirname {override}); "
        "printf '[Service]\\nExecStart=\\nExecStart=/usr/bin/valkey-server --maxmemory lots\\n'"
        f" >{override}; systemctl daemon-reload; systemctl stop valkey-server"
    )
    try:
        ran = pair.run(pair.last)

        assert ran.status != 0
        assert "valkey-server: could not be applied" in ran.told
        assert "argument must be a memory value" in ran.told
        assert ran.changed == set(), "no later operation ran on that host"
    finally:
        victim.check_output(f"rm {override}; systemctl daemon-reload")

    assert pair.converge(pair.last) == {"valkey | valkey-server: converged"}
