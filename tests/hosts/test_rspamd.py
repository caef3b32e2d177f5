"""Rspamd, asked over its sockets."""

import json

import pytest

from inventory.schema import Exchange
from roles.rspamd import INTERNET_MODULES
from tests.hosts.asking import Host, caps, comes_back_for_ever, exposure, listening

pytestmark = pytest.mark.role("rspamd")

SCAN = "/run/rspamd/scan.sock"
CONTROLLER = "/run/rspamd/controller.sock"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
PORTS = {11332, 11333, 11334, 11335}  # as packaged


def scanned(host: Host, body: str) -> dict[str, object]:
    """Rspamd's answer about a small message."""
    message = f"From: a@sender.example\\r\\nSubject: test\\r\\n\\r\\n{body}\\r\\n"
    ask = f"curl -sf --max-time 10 --unix-socket {SCAN} --data-binary @- http://rspamd/checkv2"
    answer: dict[str, object] = json.loads(host.check_output(f"printf '%b' '{message}' | {ask}"))
    return answer


def test_it_recognises_the_test_spam(host: Host, exchange: Exchange) -> None:
    answer = scanned(host, GTUBE)

    assert answer["action"] == "reject"
    assert float(str(answer["score"])) >= exchange.spam.reject_score


def test_it_scores_an_ordinary_message_within_its_budget(host: Host, exchange: Exchange) -> None:
    answer = scanned(host, "Hello, shall we meet on Tuesday?")

    assert answer["action"] == "no action"
    assert answer["thresholds"] == {"reject": exchange.spam.reject_score}
    assert float(str(answer["time_real"])) < exchange.spam.rspamd.budget_seconds


def test_it_listens_on_no_port(host: Host) -> None:
    assert not {port for _, port in listening(host)} & PORTS


def test_only_root_commands_it(host: Host) -> None:
    """It asks no password on a unix socket, so the socket itself must not open, not even for the programs."""
    ask = f"curl -s -o /dev/null -w '%{{http_code}}' --unix-socket {CONTROLLER} http://rspamd/stat"

    assert host.check_output(ask) == "200"
    for user in ("nobody", "twinmx"):
        become = f"setpriv --reuid {user} --regid {user if user == 'twinmx' else 'nogroup'} --groups _rspamd"
        assert host.run(f"{become} {ask} -H 'Password: q1'").stdout == "000"


def test_the_programs_may_have_mail_scanned_and_others_may_not(host: Host) -> None:
    ask = f"curl -sf --unix-socket {SCAN} http://rspamd/ping"

    assert host.run(f"setpriv --reuid twinmx --regid twinmx --groups _rspamd {ask}").rc == 0
    assert host.run(f"setpriv --reuid nobody --clear-groups {ask}").rc != 0


def test_the_packaged_password_is_not_in_force(host: Host) -> None:
    worker = host.check_output("rspamadm configdump worker")

    assert '"q1"' not in worker
    assert "password" in worker


def test_its_own_check_of_its_configuration_has_nothing_to_say(host: Host) -> None:
    checked = host.run("rspamadm configtest")

    assert (checked.rc, checked.stdout.strip(), checked.stderr.strip()) == (0, "syntax OK", "")


# Rspamd makes the rules of surbl part of rbl while it reads its configuration
@pytest.mark.parametrize("module", sorted(set(INTERNET_MODULES) - {"surbl"}))
def test_modules_that_ask_the_internet_are_as_the_inventory_says(
    host: Host, exchange: Exchange, module: str
) -> None:
    said = json.loads(host.check_output(f"rspamadm configdump -j {module}"))

    assert said["enabled"] is exchange.spam.network_tests


def test_it_runs_as_many_scanners_as_the_inventory_says(host: Host, exchange: Exchange) -> None:
    scanners = host.check_output(f"pgrep -cf '^rspamd: normal process [(]{SCAN} '")

    assert int(scanners) == exchange.spam.rspamd.workers


def test_a_scan_leaves_no_error_in_the_log(host: Host) -> None:
    cursor = host.check_output("journalctl -q -n 0 --show-cursor | sed 's/^-- cursor: //'")
    scanned(host, "Hello, shall we meet on Wednesday?")

    since = host.check_output(f"journalctl --sync; journalctl -q -u rspamd -o cat --after-cursor '{cursor}'")
    assert [line for line in since.splitlines() if "maps.rspamd.com" not in line] == []


def test_it_is_capped_and_comes_back(host: Host, exchange: Exchange) -> None:
    knobs = exchange.spam.rspamd

    assert caps(host, "rspamd.service") == (knobs.cpu_percent / 100, knobs.memory_megabytes << 20)
    assert comes_back_for_ever(host, "rspamd.service")


def test_it_is_hardened(host: Host) -> None:
    assert exposure(host, "rspamd.service") <= 2.0
