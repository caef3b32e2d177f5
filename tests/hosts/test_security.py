"""What docs/security.md says of a host: its sockets, users, set-id programs, files, and who may log in."""

import json
from collections.abc import Mapping

from controller.security.asking import ask
from controller.security.document import documented, table
from controller.security.purposes import UNKNOWN
from controller.security.sockets import rows
from inventory.schema import Exchange, Exchanger
from tests.hosts.asking import Host, reach
from tests.hosts.conftest import INVENTORY

# Debian's own: what a login needs, mail from a shell of this host, and Postfix's two
SET_ID = {
    "/usr/bin/chage",
    "/usr/bin/chfn",
    "/usr/bin/chsh",
    "/usr/bin/crontab",
    "/usr/bin/expiry",
    "/usr/bin/gpasswd",
    "/usr/bin/mount",
    "/usr/bin/newgrp",
    "/usr/bin/passwd",
    "/usr/bin/ssh-agent",
    "/usr/bin/su",
    "/usr/bin/sudo",
    "/usr/bin/umount",
    "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
    "/usr/lib/openssh/ssh-keysign",
    "/usr/lib/polkit-1/polkit-agent-helper-1",
    "/usr/sbin/postdrop",
    "/usr/sbin/postqueue",
    "/usr/sbin/unix_chkpwd",
}
SHELLS = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync")


def test_exactly_the_documented_sockets_listen(host: Host, exchange: Exchange, exchanger: Exchanger) -> None:
    """The document is written from the lab, which has all there is; another pair has no other sockets."""
    found = rows(ask(host.check_output), exchange, exchanger)
    lines = documented().splitlines()

    assert [row for row in found if row.purpose == UNKNOWN] == []
    if INVENTORY == "inventory/lab.py":
        assert table(found).splitlines() == lines, "run: python -m controller.security inventory/lab.py"
    assert {row.at for row in found} <= {line.split(" | ")[1] for line in lines}


def test_ssh_lets_in_operators_alone(
    host: Host, exchange: Exchange, exchanger: Exchanger, outside: Host
) -> None:
    """The lab's outside stands in the operators' network: there the rules in the kernel are asked."""
    rules = json.loads(host.check_output("nft -j list table inet twinmx"))["nftables"]
    texts = [json.dumps(rule["rule"]["expr"]) for rule in rules if "rule" in rule]
    opened = [text for text in texts if f'"right": {exchange.access.ssh_port}' in text and "accept" in text]

    assert len(opened) == len(exchange.access.ssh_from)
    assert all("saddr" in text for text in opened)
    assert reach(outside, exchanger.address, 2222) == "dropped"


def test_no_program_runs_with_more_rights_than_its_caller_but_debian_s_own(host: Host) -> None:
    found = host.check_output("find / -xdev -type f -perm /6000 -not -path '/proc/*' 2>/dev/null").split()

    assert "/usr/sbin/postdrop" in found, "the search finds what is there"
    assert sorted(set(found) - SET_ID) == []


def test_no_file_carries_capabilities_of_ours(host: Host) -> None:
    assert host.run("getcap -r /opt /usr/local /var/lib 2>/dev/null").stdout == ""


def test_nobody_but_root_and_operators_has_a_shell_and_nobody_root_s_number(host: Host) -> None:
    accounts = [line.split(":") for line in host.check_output("getent passwd").splitlines()]
    system = [fields for fields in accounts if 0 < int(fields[2]) < 1000]
    with_shell = {fields[0] for fields in system if fields[6] not in SHELLS}

    assert [fields[0] for fields in accounts if int(fields[2]) == 0] == ["root"]
    assert with_shell <= {"postgres"}, "Debian gives the administrator of PostgreSQL a shell"


def test_no_account_of_a_program_has_a_password(host: Host) -> None:
    for line in host.check_output("getent shadow").splitlines():
        name, password = line.split(":")[:2]
        assert name == "root" or password[:1] in ("*", "!"), name


def test_nothing_of_ours_uses_sudo(host: Host) -> None:
    granted = host.run("grep -rhsE '^[^#]' /etc/sudoers /etc/sudoers.d").stdout

    for user in ("twinmx", "_rspamd", "debian-spamd", "postfix", "valkey", "prometheus"):
        assert user not in granted


def test_no_program_can_change_what_it_runs_or_is_told(host: Host) -> None:
    """Programs, units and settings belong to root, and nobody else may write them."""
    places = "/opt/twinmx /etc/twinmx /etc/postfix /etc/postfix-out /etc/systemd/system /usr/local/sbin"
    loose = host.check_output(
        f"find {places} -xdev -not -type l \\( -not -user root -o -perm /022 \\)"
    ).split()

    assert loose == []


def test_what_programs_keep_is_theirs_alone(host: Host) -> None:
    expected = {
        "/etc/twinmx/credentials": ("root", 0o700),
        "/var/lib/twinmx/quarantine": ("twinmx", 0o700),
        "/var/lib/twinmx/delivered": ("twinmx", 0o700),
        "/var/spool/postfix/private": ("postfix", 0o700),
        "/var/spool/postfix/active": ("postfix", 0o700),
        "/var/spool/postfix-out/active": ("postfix", 0o700),
    }
    found = {path: (host.file(path).user, host.file(path).mode) for path in expected}

    assert found == expected


def test_no_two_exchangers_upgrade_at_once(host: Host, peers: Mapping[str, Host]) -> None:
    asked = "systemctl show -P TimersCalendar apt-daily-upgrade.timer"
    hours = [one.check_output(asked).partition(";")[0] for one in (host, *peers.values())]

    assert len(set(hours)) == len(hours)
    assert host.check_output("systemctl show -P RandomizedDelayUSec apt-daily-upgrade.timer") == "0"
    condition = host.check_output("systemctl show -P ExecCondition apt-daily-upgrade.service")
    assert "twinmx-upgrade-turn" in condition
