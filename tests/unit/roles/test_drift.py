"""What the manifest of a host has in it, and what a rendered file amounts to."""

import json
import re
from pathlib import Path

import pytest

from inventory.load import load_exchange
from inventory.schema import Exchange
from roles import base, drift, firewall, postfix, rspamd
from roles.lib import effective, ports
from roles.lib.managed import Managed, ManagedFile
from roles.lib.sockets import sockets
from roles.lib.wanted import Wanted
from tests.unit.roles.exchanges import DATABASE, MX1, MX2, PEER_LINK, all_secrets, exchange, site
from tests.unit.roles.rendered import named, text
from twinmx.drift.manifest import Instance, Manifest
from twinmx.drift.pattern import matches

ROOT = Path(__file__).parent.parent.parent.parent
UNITS = (
    *("postfix.service", "postfix@out.service", "forwarder@1.service", "forwarder@2.service"),
    *("gate@1.service", "gate@2.service", "spamd.service", "valkey-server.service", "canary.service"),
    *("queues.service", "failover.service", "vitals.service", "prometheus.service"),
    *(f"prometheus-{name}.service" for name in ("node-exporter", "blackbox-exporter", "redis-exporter")),
    "prometheus-alertmanager.service",
)
PAIR = exchange(MX1, MX2 | PEER_LINK, forwarder={"workers": 2}, gate={"workers": 2})


def files_of(of: Exchange, name: str = "mx2") -> list[Managed]:
    at = site(of, name)
    return [
        *base.render_files(at),
        firewall.render_rules(at),
        *rspamd.render_files(at),
        *postfix.render_inbound(at),
        *postfix.render_out(at),
    ]


def wanted(of: Exchange, name: str = "mx2") -> Wanted:
    files = {file.path: file for file in files_of(of, name)}
    return Wanted(files, {"/etc/gone"}, {"postfix": "3.10.13", "rspamd": None}, set(UNITS), {UNITS[0]})


def manifest(of: Exchange = PAIR, name: str = "mx2") -> Manifest:
    return drift.manifest(site(of, name), wanted(of, name))


def test_the_manifest_has_what_the_roles_want() -> None:
    found = manifest()

    for file in files_of(PAIR):
        assert found.files[file.path] == file.state
    assert found.files["/etc/twinmx/credentials"]["mode"] == "0700"
    assert found.absent == ["/etc/gone"]
    assert found.packages == {"postfix": "3.10.13", "rspamd": None}
    assert (found.units[UNITS[0]].active, found.units[UNITS[0]].at_boot) == (True, True)
    assert not found.units["spamd.service"].at_boot
    assert found.units["unattended-upgrades.service"].at_boot
    assert found.postfix["/etc/postfix"].parameters["inet_interfaces"] == "all"
    assert "smtp inet" in found.postfix["/etc/postfix"].services
    assert found.rspamd["actions.reject"] == PAIR.spam.reject_score
    assert Manifest.model_validate_json(found.model_dump_json()) == found


def test_what_an_upgrade_leaves_beside_a_role_s_file_is_no_drift() -> None:
    generated = manifest().generated

    assert any(matches(pattern, "/etc/valkey/valkey.conf.dpkg-dist") for pattern in generated)
    assert not any(matches(pattern, "/etc/valkey/by-hand.conf") for pattern in generated)


def test_its_own_units_are_in_it_and_the_file_is_for_root_alone() -> None:
    at = site(PAIR, "mx2")
    units = drift.render_units(at)

    file = drift.render_manifest(at, wanted(PAIR), units)

    assert (file.path, file.mode, file.secret) == ("/var/lib/twinmx/manifest.json", "0400", True)
    read = Manifest.model_validate_json(text(file))
    assert {unit.path for unit in units} <= read.files.keys()
    assert read.units["drift.timer"].at_boot
    assert file.path not in read.files


def test_no_secret_is_in_it() -> None:
    shown = manifest().model_dump_json()

    assert not [secret for secret in all_secrets() if secret in shown]


def test_the_same_inventory_gives_the_same_manifest() -> None:
    assert manifest().model_dump_json() == manifest().model_dump_json()


def test_sockets_of_an_exchanger() -> None:
    found = manifest().sockets

    peer, loopback = "tcp 10.0.0.12", "tcp 127.0.0.1"
    assert {"tcp *:22", "tcp *:25", f"{loopback}:20386", f"{loopback}:783", f"{peer}:20467"} <= set(found)
    assert {one for one in found if re.search(":20(381|40.|48.)$", one)} == {
        *(f"{at}:20381" for at in (loopback, peer)),
        *(f"{peer}:{port}" for port in (20401, 20402, 20481, 20482)),
    }
    assert [one for one in found if one.startswith("udp")] == ["udp 10.0.0.12:20468"]


def test_sockets_follow_the_inventory() -> None:
    drained = exchange(MX1, MX2 | {"active": False})
    assert "tcp *:25" not in manifest(drained).sockets
    shared = exchange(rate_limits={"shared_on": "mx2"})
    assert "tcp 198.51.100.12:20384" in manifest(shared).sockets
    assert "tcp 198.51.100.11:20384" not in manifest(shared, "mx1").sockets
    moved = exchange(access={"ssh_from": ["198.51.100.0/24"], "ssh_port": 2222})
    assert "tcp *:2222" in manifest(moved).sockets
    alone = exchange(MX1)
    assert not [one for one in manifest(alone, "mx1").sockets if one.endswith(":20468")]


def test_sockets_of_the_databases_host() -> None:
    of = exchange(database=DATABASE, alias_source="postgresql")

    found = sockets(site(of, "database"), ["postgresql@17-main.service"], {})

    assert found == ["tcp *:22", "tcp 127.0.0.1:5432", "tcp 198.51.100.14:5432"]


def test_sockets_of_postfix_are_read_from_its_own_files() -> None:
    services = {"2525 inet": "", "198.51.100.11:2526 inet": "", "cleanup unix": ""}
    at_loopback = Instance(parameters={"inet_interfaces": "loopback-only"}, services=services)
    everywhere = Instance(parameters={"inet_interfaces": "all"}, services=services)

    found = [sockets(site(), [], {"/etc/postfix": one}) for one in (at_loopback, everywhere)]

    assert found == [
        ["tcp *:22", "tcp 127.0.0.1:2525", "tcp 198.51.100.11:2526"],
        ["tcp *:22", "tcp *:2525", "tcp 198.51.100.11:2526"],
    ]


def test_every_port_of_ours_has_its_line() -> None:
    """A role with a new port: see roles/lib/sockets.py."""
    source = (ROOT / "roles" / "lib" / "sockets.py").read_text()
    of_postfix = {"OUT", "OUT_OWN"}  # read from master.cf
    momentary = {"VALKEY_TRIAL"}
    ours = {name for name, value in vars(ports).items() if name.isupper() and isinstance(value, int)}

    assert {name for name in ours - of_postfix - momentary if f"ports.{name}" not in source} == set()


def test_settings_of_rspamd_without_passwords() -> None:
    found = effective.rspamd(rspamd.render_files(site()))

    assert found["worker.normal.count"] == PAIR.spam.rspamd.workers
    assert found["worker.rspamd_proxy.enabled"] is False
    assert found["options.task_timeout"] == PAIR.spam.rspamd.budget_seconds
    assert found["rbl.enabled"] is True
    assert not [name for name in found if "password" in name or name.startswith("surbl")]


def test_kernel_settings_that_must_hold() -> None:
    files = [
        ManagedFile("/etc/sysctl.d/60-a.conf", "# net.x = 3\nnet.a = 1\n-net.maybe = 1\nnet/b=1  2\n"),
        ManagedFile("/etc/sysctl.d/70-b.conf", "net.a = 2\n"),
    ]

    assert effective.kernel(files) == {"net.a": "2", "net.b": "1 2"}


def test_directories_that_must_stand_as_they_are() -> None:
    text = "# d /no 0755 root root -\nd /a 0700 twinmx mail 6d\nd /b - - - -\nf /c 0644 root root -\n"

    assert effective.directories([ManagedFile("/etc/tmpfiles.d/x.conf", text)]) == {
        "/a": {"kind": "directory", "mode": "0700", "user": "twinmx", "group": "mail"}
    }


@pytest.mark.parametrize("name", ["exchange", "vagrant", "production"])
def test_the_timer_and_the_allowances_are_the_inventorys(name: str) -> None:
    of = load_exchange(ROOT / "inventory" / f"{name}.yml")
    host = next(iter(of.exchangers))
    timer = text(named(drift.render_units(site(of, host)), "drift.timer"))

    assert f"OnUnitActiveSec={of.drift.minutes}min" in timer
    assert json.loads(manifest(of, host).model_dump_json())["allowed"] == list(of.drift.allowed)


def test_keys_are_looked_at_where_the_inventory_names_some() -> None:
    key = f"SHA256:{'a' * 43}"

    assert manifest().logins is None
    assert manifest(exchange(drift={"ssh_keys": [key]})).logins == [key]


def test_the_figures_are_where_the_node_exporter_reads() -> None:
    units = drift.render_units(site())
    service = text(named(units, "drift.service"))

    assert "--metrics /var/lib/twinmx/drift/drift.prom" in service
    assert "StateDirectory=twinmx/drift" in service
    assert "SuccessExitStatus=2" in service
