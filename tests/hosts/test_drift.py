"""`twinmx drift`: tampering of twenty kinds is found, each under its name, and nothing is made up."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from controller import pyinfra
from inventory.schema import Exchange, Exchanger
from inventory.secrets import Secrets
from lab.converging import Pair
from lab.waiting import until
from lab.watching import PATIENCE_SECONDS
from roles import drift as drift_role
from tests.hosts.asking import Host, shown
from tests.hosts.conftest import reached
from tests.hosts.test_exporters import NODE, figures

pytestmark = [pytest.mark.role("drift"), pytest.mark.changes]

ACTIONS = "/etc/rspamd/local.d/actions.conf"
KEYS = "/etc/twinmx/credentials/srs-keys"
NODE_DROP_IN = "/run/systemd/system/prometheus-node-exporter.service.d/by-hand.conf"
MODULE = "$(ls -d /opt/twinmx/current/lib/python3*/site-packages)/twinmx/srs.py"
LISTENS = "timeout 60 sh -c 'until ss -Hltn | grep -qF 127.0.0.1:{port}; do sleep 0.1; done'"

LISTEN = f"""systemd-run -q --unit=by-hand python3 -c '
import socket, time
held = socket.create_server(("127.0.0.1", 4444))
time.sleep(600)' && {LISTENS.format(port=4444)}"""


class Tampering(NamedTuple):
    """What somebody does to a host as root, what undoes it, and what of it must be told.

    told: kind and the end, or part, of the name. also: further findings that follow from it.
    """

    do: str
    undo: str
    told: tuple[str, str]
    also: tuple[str, ...] = ()


TAMPERINGS = {
    "the content of a file": Tampering(
        f"cp -p {ACTIONS} /run/kept; echo '# by hand' >>{ACTIONS}",
        f"cp -p /run/kept {ACTIONS}",
        ("file", ACTIONS),
    ),
    "the mode of a secret": Tampering(f"chmod 0644 {KEYS}", f"chmod 0400 {KEYS}", ("file", KEYS)),
    "the owner of a file": Tampering(
        "chown nobody /etc/twinmx/gate.toml",
        "chown root /etc/twinmx/gate.toml",
        ("file", "/etc/twinmx/gate.toml"),
    ),
    "a file that is gone": Tampering(
        "mv /etc/postfix/header_checks.pcre /run/kept",
        "mv /run/kept /etc/postfix/header_checks.pcre",
        ("file", "/etc/postfix/header_checks.pcre"),
    ),
    "a link that leads elsewhere": Tampering(
        "ln -sfn /bin/true /usr/local/bin/mxctl",
        "ln -sfn /opt/twinmx/current/bin/mxctl /usr/local/bin/mxctl",
        ("file", "/usr/local/bin/mxctl"),
    ),
    "the mode of a directory": Tampering(
        "chmod 0755 /etc/twinmx/credentials",
        "chmod 0700 /etc/twinmx/credentials",
        ("file", "/etc/twinmx/credentials"),
    ),
    "a file beside ours": Tampering(
        "echo 'reject = 99;' >/etc/rspamd/override.d/actions.conf",
        "rm /etc/rspamd/override.d/actions.conf",
        ("unmanaged", "/etc/rspamd/override.d/actions.conf"),
        ("rspamd:actions.reject",),
    ),
    "a package that is held": Tampering(
        "apt-mark hold rspamd", "apt-mark unhold rspamd", ("package", "rspamd")
    ),
    "a service that was stopped": Tampering(
        "systemctl stop spamd",
        f"systemctl start spamd; {LISTENS.format(port=783)}",
        ("unit", "spamd.service"),
        ("socket:tcp 127.0.0.1:783",),
    ),
    "a service that was disabled": Tampering(
        "systemctl disable -q nftables", "systemctl enable -q nftables", ("unit", "nftables.service")
    ),
    "a service that was masked": Tampering(
        "systemctl mask -q --now prometheus-blackbox-exporter",
        "systemctl unmask -q prometheus-blackbox-exporter; systemctl start prometheus-blackbox-exporter; "
        f"{LISTENS.format(port=20464)}",
        ("unit", "/etc/systemd/system/prometheus-blackbox-exporter.service"),
        ("unit:prometheus-blackbox-exporter.service", "socket:tcp 127.0.0.1:20464"),
    ),
    "a drop-in of a service": Tampering(
        f"mkdir -p $(dirname {NODE_DROP_IN}); printf '[Service]\\nNice=7\\n' >{NODE_DROP_IN}; "
        "systemctl daemon-reload",
        f"rm -r $(dirname {NODE_DROP_IN}); systemctl daemon-reload",
        ("unit", NODE_DROP_IN),
    ),
    "a unit": Tampering(
        "printf '[Service]\\nExecStart=/bin/true\\n' >/etc/systemd/system/by-hand.service",
        "rm /etc/systemd/system/by-hand.service",
        ("unit", "/etc/systemd/system/by-hand.service"),
    ),
    "a cron entry": Tampering(
        "echo '0 0 * * * root true' >/etc/cron.d/by-hand",
        "rm /etc/cron.d/by-hand",
        ("cron", "/etc/cron.d/by-hand"),
    ),
    "a crontab of a package": Tampering(
        "cp -p /etc/crontab /run/kept; echo '0 0 * * * root true' >>/etc/crontab",
        "cp -p /run/kept /etc/crontab",
        ("cron", "/etc/crontab"),
    ),
    "a program that listens": Tampering(LISTEN, "systemctl stop by-hand", ("socket", "tcp 127.0.0.1:4444")),
    "a parameter of main.cf": Tampering(
        "cp -p /etc/postfix/main.cf /run/kept; postconf -e soft_bounce=yes",
        "cp -p /run/kept /etc/postfix/main.cf",
        ("postfix", "/etc/postfix/main.cf soft_bounce"),
        ("file:/etc/postfix/main.cf",),
    ),
    "a service of master.cf": Tampering(
        "cp -p /etc/postfix-out/master.cf /run/kept; "
        "postconf -c /etc/postfix-out -M '2525/inet=2525 inet n - n - - smtpd'",
        "cp -p /run/kept /etc/postfix-out/master.cf",
        ("postfix", "/etc/postfix-out/master.cf 2525 inet"),
        ("file:/etc/postfix-out/master.cf",),
    ),
    "a rule of the packet filter": Tampering(
        "nft add rule inet twinmx input tcp dport 4444 accept",
        "nft -f /etc/nftables.conf",
        ("firewall", "inet twinmx"),
    ),
    "our own program": Tampering(
        f"cp -p {MODULE} /run/kept; echo '# by hand' >>{MODULE}",
        f"cp -p /run/kept {MODULE}",
        ("release", "twinmx/srs.py"),
    ),
    "an account that is root": Tampering(
        "useradd --non-unique --uid 0 --no-create-home toor", "userdel --force toor", ("login", "toor")
    ),
}


@pytest.fixture
def last(pair: Pair) -> Host:
    """The exchanger with the least mail."""
    return reached(str(pair.exchange.exchangers[pair.last].address))


@pytest.fixture
def tampering(last: Host, request: pytest.FixtureRequest) -> Iterator[Tampering]:
    """Done to the host, and undone."""
    what: Tampering = TAMPERINGS[request.param]
    try:
        last.check_output(what.do)
        yield what
    finally:
        last.check_output(what.undo)


def compared(host: Host) -> tuple[int, dict[str, Any]]:
    """What the host says of itself."""
    done = host.run(f"{drift_role.PROGRAM} --json")
    return done.rc, json.loads(done.stdout)


def drift(pair: Pair, *options: str) -> tuple[int, dict[str, Any]]:
    """`twinmx drift`: its exit status and its document."""
    command = ["bin/twinmx", "drift", pair.inventory, "--json", *options]
    done = subprocess.run(command, cwd=pyinfra.ROOT, capture_output=True, text=True, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


def test_nothing_is_made_up_on_a_clean_host(host: Host) -> None:
    status, report = compared(host)

    assert (status, report["findings"], report["errors"]) == (0, [], {})


def test_nothing_is_made_up_from_the_controller(pair: Pair, secrets: Secrets) -> None:
    status, document = drift(pair)

    assert (status, document["result"]) == (0, "nothing"), document
    assert not [secret for secret in secrets.values if secret in json.dumps(document)]


@pytest.mark.parametrize("tampering", TAMPERINGS, indirect=True)
def test_each_tampering_is_found_and_nothing_else(last: Host, tampering: Tampering) -> None:
    status, report = compared(last)

    assert (status, report["errors"]) == (2, {})
    keys = [f"{finding['kind']}:{finding['name']}" for finding in report["findings"]]
    kind, name = tampering.told
    ours = [key for key in keys if key.startswith(f"{kind}:") and key.endswith(name)]
    assert len(ours) == 1, report
    assert sorted(set(keys) - set(ours)) == sorted(tampering.also), report


@pytest.mark.parametrize("tampering", ["a cron entry"], indirect=True)
def test_the_controller_tells_it_of_that_host_and_others_are_clean(pair: Pair, tampering: Tampering) -> None:
    status, document = drift(pair)

    assert status == 2
    told = {name: place["differences"] for name, place in document["hosts"].items()}
    assert [one["name"] for one in told.pop(pair.last)] == [tampering.told[1]]
    assert all(not others for others in told.values())
    assert document["dns"]["differences"] == []


def test_an_inventory_that_was_not_converged_is_drift_of_hosts_and_dns(pair: Pair) -> None:
    status, document = drift(pair, "--data", f"primary={pair.last}")

    assert status == 2
    for place in document["hosts"].values():
        assert {"/etc/twinmx/failover.toml", "/var/lib/twinmx/manifest.json"} <= {
            one["name"] for one in place["differences"] if one["kind"] == "inventory"
        }
    assert {one["name"] for one in document["dns"]["differences"]} == {
        f"{domain}. MX" for domain in pair.exchange.domains
    }


def test_hosts_that_are_out_of_reach_are_an_error(pair: Pair) -> None:
    status, document = drift(pair, "--data", "ssh_port=1")

    assert (status, document["result"]) == (1, "error")
    assert all(place["errors"] for place in document["hosts"].values())


@pytest.mark.parametrize("tampering", ["a cron entry"], indirect=True)
def test_the_timers_comparison_is_counted_for_the_alert(
    pair: Pair, exchange: Exchange, last: Host, tampering: Tampering
) -> None:
    exchanger: Exchanger = exchange.exchangers[pair.last]

    last.check_output("systemctl start drift.service")

    assert shown(last, "drift.service", "Result")["Result"] == "success", "drift is an answer"
    until(
        lambda: figures(exchanger, NODE).get('twinmx_drift{kind="cron"}') == 1,
        PATIENCE_SECONDS,
        "the figure of the node exporter",
    )
    assert figures(exchanger, NODE)["twinmx_drift_errors"] == 0
    assert f"cron:{tampering.told[1]}" in last.check_output("journalctl -q -u drift -n 20 -o cat")


def test_its_sandbox_hides_nothing_from_the_service(last: Host) -> None:
    last.check_output("systemctl start drift.service")

    lines = last.check_output(f"cat {drift_role.FIGURES}").splitlines()
    counted = {
        line.rpartition(" ")[2] for line in lines if line.startswith(("twinmx_drift{", "twinmx_drift_e"))
    }
    assert counted == {"0.0"}, last.check_output("journalctl -q -u drift -n 20 -o cat")


def test_it_goes_on_by_itself(host: Host, exchange: Exchange) -> None:
    assert host.service("drift.timer").is_enabled
    assert host.service("drift.timer").is_running
    text = host.check_output("systemctl show -P TimersMonotonic drift.timer")
    assert f"OnUnitActiveUSec={exchange.drift.minutes}min" in text


def test_the_manifest_is_for_root_alone(host: Host) -> None:
    assert host.file("/var/lib/twinmx/manifest.json").mode == 0o400
    assert host.run("setpriv --reuid nobody --clear-groups cat /var/lib/twinmx/manifest.json").rc != 0
