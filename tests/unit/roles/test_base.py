"""The preflight's judgement of a host, and the files of the ground."""

from dataclasses import replace

import pytest

from inventory.access import Access
from roles.base import obstacles, render_files
from roles.lib.observed import Observed
from tests.unit.roles.exchanges import MX1, MX2, PEER_LINK, exchange, site
from tests.unit.roles.rendered import named, text

ACCESS = Access.model_validate({"ssh_from": ["192.0.2.0/28"]})
GOOD = Observed(
    packages={},
    files={},
    units={},
    stamps={},
    system={
        "os": "debian 13",
        "init": "systemd",
        "machine": "x86_64",
        "free_megabytes": "20000",
        "port_25": "",
    },
)
TAKEN = 'LISTEN 0 20 0.0.0.0:25 0.0.0.0:* users:(("exim4",pid=812,fd=4))'


def host(**system: str) -> Observed:
    return replace(GOOD, system=GOOD.system | system)


def test_a_bare_debian_13_is_good() -> None:
    assert obstacles(GOOD, ACCESS) == []


@pytest.mark.parametrize(
    ("seen", "cause", "way_out"),
    [
        (host(os="debian 12"), "it runs debian 12", "upgrade the host"),
        (host(os="ubuntu 24.04"), "it runs ubuntu 24.04", "needs Debian 13"),
        (host(init="tini"), "its PID 1 is tini", "with systemd"),
        (host(machine="aarch64"), "it is a aarch64", "use an amd64 host"),
        (host(free_megabytes="1999"), "/var has 1999 MB free", "enlarge the disk"),
        (host(port_25=TAKEN), "port 25 is taken", "apt-get purge exim4-base"),
        (host(ssh="203.0.113.7 50000 198.51.100.11 22"), "come from 203.0.113.7", "add a network"),
        (host(ssh="2001:db8::7 50000 2001:db8::11 22"), "come from 2001:db8::7", "add a network"),
        (host(ssh="192.0.2.1 50000 198.51.100.11 2222"), "sshd listens on port 2222", "set it to 2222"),
    ],
)
def test_each_obstacle_is_named_with_the_way_out(seen: Observed, cause: str, way_out: str) -> None:
    (told,) = obstacles(seen, ACCESS)

    assert cause in told
    assert way_out in told


def test_all_obstacles_are_told_at_once() -> None:
    assert len(obstacles(host(os="debian 12", machine="aarch64", port_25=TAKEN), ACCESS)) == 3


def test_just_enough_disk_is_enough() -> None:
    assert obstacles(host(free_megabytes="2000"), ACCESS) == []


def test_our_own_postfix_may_hold_port_25() -> None:
    ours = replace(host(port_25=TAKEN), units={"postfix.service": {"ActiveState": "active"}})

    assert obstacles(ours, ACCESS) == []


@pytest.mark.parametrize("client", ["192.0.2.15", "127.0.0.1", "::1"])
def test_operators_and_the_host_itself_are_not_shut_out(client: str) -> None:
    assert obstacles(host(ssh=f"{client} 50000 198.51.100.11 22"), ACCESS) == []


def test_hosts_know_each_other_without_dns() -> None:
    hosts = text(named(render_files(site(exchange(MX1, MX2 | PEER_LINK))), "/etc/hosts"))

    assert "198.51.100.11 mx1.alias.example mx1" in hosts.splitlines()
    assert "10.0.0.12 mx2.alias.example mx2" in hosts.splitlines()


@pytest.mark.parametrize(("upgrades", "said"), [(True, '"1"'), (False, '"0"')])
def test_unattended_upgrades_are_a_choice(upgrades: bool, said: str) -> None:
    access = {"ssh_from": ["192.0.2.0/28"], "upgrades": upgrades}
    apt = text(named(render_files(site(exchange(access=access))), "52twinmx-upgrades"))

    assert f"APT::Periodic::Unattended-Upgrade {said};" in apt


def test_what_is_in_quarantine_grows_as_old_as_the_inventory_says() -> None:
    rules = text(named(render_files(site(exchange(spam={"quarantine_days": 7}))), "tmpfiles.d/twinmx.conf"))
    (rule,) = [line.split() for line in rules.splitlines() if "/quarantine" in line and line[0] != "#"]

    assert rule == ["d", "/var/lib/twinmx/quarantine", "0700", "twinmx", "twinmx", "mM:7d"]
