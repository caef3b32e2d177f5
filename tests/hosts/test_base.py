"""The ground: name, clock, bounded logs, security updates, and secrets that stay secret."""

import shlex
from collections.abc import Mapping

import pytest

from inventory.schema import Exchange, Exchanger
from inventory.secrets import Secrets
from roles.base import TURN, UPGRADED
from roles.lib import ports
from tests.hosts.asking import Host

pytestmark = pytest.mark.role("base")


def test_the_host_bears_its_name(host: Host, exchanger: Exchanger) -> None:
    assert host.check_output("hostname") == exchanger.fqdn
    assert host.check_output("hostnamectl --static") == exchanger.fqdn


def test_the_exchangers_find_each_other_without_dns(
    host: Host, exchange: Exchange, peers: Mapping[str, Host]
) -> None:
    for name in peers:
        facts = exchange.exchangers[name]
        assert host.check_output(f"getent -s files ahostsv4 {facts.fqdn}").split()[0] == str(facts.peer)


def test_no_unit_has_failed(host: Host) -> None:
    assert host.check_output("systemctl --failed --no-legend --plain") == ""


def test_the_journal_is_kept_and_bounded(host: Host) -> None:
    """journald says at its start which limit is in force."""
    said = host.check_output("journalctl -q -u systemd-journald -g 'System Journal' -n 1 -o cat")

    assert said.startswith("System Journal (/var/log/journal/")
    assert "max 1G" in said


def test_the_clock_is_kept(host: Host) -> None:
    """A container's clock is its machine's, and timesyncd does not start there; elsewhere it must run."""
    clock = host.service("systemd-timesyncd")

    assert clock.is_enabled
    assert clock.is_running or host.run("systemd-detect-virt --container").rc == 0


def test_security_updates_come_by_themselves_and_nothing_else_does(host: Host) -> None:
    said = host.check_output("apt-config dump")

    assert 'APT::Periodic::Update-Package-Lists "1";' in said
    assert 'APT::Periodic::Unattended-Upgrade "1";' in said
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in said
    origins = [line for line in said.splitlines() if line.startswith("Unattended-Upgrade::Origins-Pattern::")]
    assert len(origins) == 1, origins
    assert "codename=${distro_codename}-security" in origins[0]
    for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert host.service(timer).is_running


def test_monitors_see_when_no_security_update_was_left(host: Host, exchanger: Exchanger) -> None:
    """The script looks at the end of each night's turn; drained is nobody without its mark."""
    before = int(host.check_output("date +%s"))
    host.check_output(f"{TURN} end")
    metrics = f"curl -sf http://{exchanger.peer}:{ports.NODE_METRICS}/metrics"
    seen = host.check_output(f"{metrics} | grep '^twinmx_upgraded_seconds ' || true").split()
    if "Packages that will be upgraded:" in host.check_output("unattended-upgrade --dry-run --verbose 2>&1"):
        assert not seen or float(seen[1]) < before
    else:
        assert host.file(UPGRADED).mode == 0o644
        assert float(seen[1]) >= before


def test_the_programs_user_cannot_log_in(host: Host) -> None:
    assert host.user("twinmx").shell == "/usr/sbin/nologin"


def test_no_secret_is_readable_by_other_users(host: Host, secrets: Secrets) -> None:
    """Of all files that hold one, as text, none is open to others; nor is one in a log or a command line."""
    held = [secrets.rspamd_password, secrets.valkey_password, *secrets.srs_keys]
    patterns = " ".join(f"-e {shlex.quote(secret.get_secret_value())}" for secret in held)
    places = "/etc /opt /var/lib /var/log /run"
    files = host.run(f"grep -rlF --devices=skip {patterns} {places} 2>/dev/null").stdout.split()

    assert "/etc/twinmx/credentials/srs-keys" in files, "the search finds what is there"
    assert [path for path in files if host.file(path).mode & 0o007] == []
    assert host.run(f"journalctl -q -b | grep -F {patterns} | grep -v 'grep -'").stdout == ""


def test_keys_are_for_root_alone(host: Host) -> None:
    for path in ("/etc/twinmx/credentials/srs-keys", "/etc/twinmx/tls/key.pem"):
        file = host.file(path)
        assert (file.user, file.mode) == ("root", 0o400)
        assert host.run(f"setpriv --reuid nobody --clear-groups cat {path}").rc != 0
