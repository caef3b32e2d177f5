"""The sandboxes as the hosts have them in force: scored, complete, and around the running processes."""

from pathlib import PurePosixPath

import pytest

from tests.hosts.asking import Host, exposure, main_pid, shown

WORST_OF_OURS = 1.5
WORST = {
    "rspamd.service": 2.0,
    "spamd.service": 3.0,
    "postfix.service": 3.5,
    "postfix@out.service": 3.5,
    "valkey-server.service": 1.5,
    "nginx.service": 2.5,
    "unbound.service": 2.0,
    # root that only reads: the rules and the sockets in force, and authorized_keys
    "drift.service": 3.0,
    "prometheus.service": 2.5,
    "prometheus-alertmanager.service": 2.5,
    "prometheus-node-exporter.service": 2.5,
    "prometheus-blackbox-exporter.service": 2.5,
    "prometheus-redis-exporter.service": 2.5,
}
NOT_SERVERS = {"apt-daily-upgrade.service"}  # installs packages, as root, by the hour
UNITS = "/etc/systemd/system"

# linux/capability.h
CAPABILITIES = {
    "DAC_OVERRIDE": 1,
    "DAC_READ_SEARCH": 2,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "NET_BIND_SERVICE": 10,
    "NET_ADMIN": 12,
}
AT_MOST = {
    "gate@1.service": set(),
    "forwarder@1.service": set(),
    "queues.service": set(),
    "canary.service": set(),
    "rspamd.service": set(),
    "valkey-server.service": set(),
    "failover.service": {"NET_ADMIN"},
    "spamd.service": {"KILL", "SETGID", "SETUID", "NET_BIND_SERVICE"},
    "postfix.service": {"DAC_OVERRIDE", "DAC_READ_SEARCH", "SETGID", "SETUID", "NET_BIND_SERVICE"},
    "postfix@out.service": {"DAC_OVERRIDE", "DAC_READ_SEARCH", "SETGID", "SETUID", "NET_BIND_SERVICE"},
}


def units_of_ours(host: Host) -> set[str]:
    """Every service that has its unit, or a part of it, from us."""
    own = host.check_output(f"ls {UNITS} | grep '[.]service$' || true").split()
    added = host.check_output(f"ls -d {UNITS}/*.service.d/twinmx.conf").split()
    written = {name for name in own if not host.file(f"{UNITS}/{name}").is_symlink}
    names = written | {PurePosixPath(path).parent.name.removesuffix(".d") for path in added}
    return {name.replace("@.", "@1.") for name in names} - NOT_SERVERS


def test_no_unit_of_ours_is_more_exposed_than_documented(host: Host) -> None:
    units = units_of_ours(host)
    scores = {unit: exposure(host, unit) for unit in sorted(units)}

    assert units >= WORST.keys() | {"gate@1.service", "forwarder@1.service", "failover.service"}
    assert {unit: score for unit, score in scores.items() if score > WORST.get(unit, WORST_OF_OURS)} == {}


@pytest.mark.parametrize("unit", AT_MOST)
def test_a_process_really_runs_in_its_sandbox(host: Host, unit: str) -> None:
    """What a unit file says holds from a start on: a process that was only reloaded is as free as before."""
    status = host.file(f"/proc/{main_pid(host, unit)}/status").content_string
    said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    allowed = sum(1 << CAPABILITIES[name] for name in AT_MOST[unit])

    assert said["NoNewPrivs"] == "1"
    assert said["Seccomp"] == "2", "no system calls are filtered"
    assert int(said["CapBnd"], 16) & ~allowed == 0


@pytest.mark.parametrize("unit", ["gate@1.service", "rspamd.service", "postfix.service", "spamd.service"])
def test_what_a_unit_does_not_write_is_read_only_for_it(host: Host, unit: str) -> None:
    """Asked in the mount namespace of the service itself."""
    inside = f"nsenter --mount --target {main_pid(host, unit)}"

    for place in ("/etc/postfix", "/usr/lib", "/opt/twinmx"):
        assert host.run(f"{inside} touch {place}/.written").rc != 0, place
        assert not host.file(f"{place}/.written").exists


def test_the_kernel_settings_are_in_force(host: Host) -> None:
    """A container may not change its machine's kernel, and systemd-sysctl does not start there."""
    if shown(host, "systemd-sysctl.service", "ConditionResult")["ConditionResult"] != "yes":
        pytest.skip("/proc/sys is the machine's")
    wanted = host.file("/etc/sysctl.d/60-twinmx.conf").content_string.splitlines()
    for name, value in (line.split(" = ") for line in wanted if " = " in line and line[0] != "#"):
        found = host.run(f"sysctl -n {name.removeprefix('-')}")
        assert found.stdout.strip() == value or (name[0] == "-" and found.rc), name
