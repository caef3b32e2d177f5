"""The exporters, as Prometheus, a stranger and Valkey see them."""

import re
from datetime import UTC, datetime

import pytest
from cryptography import x509

from inventory.schema import Exchanger
from inventory.secrets import Secrets
from lab.waiting import until
from lab.watching import PATIENCE_SECONDS, fetched
from roles import tls, valkey
from tests.hosts.asking import Host, comes_back_for_ever, exposure, listening, main_pid, reach

pytestmark = pytest.mark.role("exporters")

NODE, BLACKBOX, REDIS, VITALS = 20463, 20464, 20465, 20469
UNITS = {
    NODE: "prometheus-node-exporter.service",
    BLACKBOX: "prometheus-blackbox-exporter.service",
    REDIS: "prometheus-redis-exporter.service",
    VITALS: "vitals.service",
}


def figures(exchanger: Exchanger, port: int) -> dict[str, float]:
    """What an exporter serves: series → value."""
    lines = fetched(f"http://{exchanger.peer}:{port}/metrics").splitlines()
    rows = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {series: float(value) for series, _, value in rows}


def test_they_listen_on_the_peer_link_and_the_prober_on_loopback(
    host: Host, exchanger: Exchanger, outside: Host
) -> None:
    ours = {(address, port) for address, port in listening(host) if port in UNITS}

    peer = str(exchanger.peer)
    assert ours == {(peer, NODE), (peer, REDIS), (peer, VITALS), ("127.0.0.1", BLACKBOX)}
    for port in UNITS:
        assert reach(outside, exchanger.peer, port) == "dropped"


@pytest.mark.parametrize("unit", UNITS.values())
def test_each_comes_back_for_ever_and_may_do_little(host: Host, unit: str) -> None:
    assert host.service(unit).is_enabled
    assert comes_back_for_ever(host, unit)
    assert exposure(host, unit) < 2.5


def test_the_node_exporter_sees_what_alerts_read(exchanger: Exchanger) -> None:
    seen = figures(exchanger, NODE)

    for collector in ("filesystem", "time", "timex"):
        assert seen[f'node_scrape_collector_success{{collector="{collector}"}}'] == 1
    assert any(series.startswith("node_filesystem_files_free{") for series in seen)
    assert "node_timex_offset_seconds" in seen


def test_valkey_shows_the_exporter_how_it_is_and_none_of_its_data(
    host: Host, exchanger: Exchanger, secrets: Secrets
) -> None:
    assert figures(exchanger, REDIS)["redis_up"] == 1

    password = valkey.exporter_password(secrets)
    asked = f"valkey-cli -s {valkey.SOCKET} --user {valkey.EXPORTER} --pass {password} --no-auth-warning"
    assert "redis_version" in host.check_output(f"{asked} info server")
    assert "NOPERM" in host.run(f"{asked} get twinmx:x").stdout
    assert "NOPERM" in host.run(f"{asked} keys '*'").stdout


def test_rspamd_and_the_resolver_are_read(exchanger: Exchanger) -> None:
    until(lambda: figures(exchanger, VITALS)["twinmx_rspamd_up"], PATIENCE_SECONDS, "Rspamd's figures")

    seen = figures(exchanger, VITALS)
    assert seen["rspamd_scanned_total"] >= 0
    assert 0 < seen["twinmx_resolver_seconds"] < 2


def test_nothing_but_figures_can_be_asked_of_rspamd(exchanger: Exchanger) -> None:
    for path in ("stat", "saveactions", "learnspam", "errors"):
        with pytest.raises(OSError, match="404"):
            fetched(f"http://{exchanger.peer}:{VITALS}/{path}")


def test_the_prober_sees_port_25_and_the_end_of_its_certificate(host: Host, exchanger: Exchanger) -> None:
    url = f"http://127.0.0.1:{BLACKBOX}/probe?module=smtp_starttls&target={exchanger.peer}:25"
    seen = host.check_output(f"curl -s '{url}'")
    leaf = x509.load_pem_x509_certificate(host.file(tls.CERTIFICATE).content)
    ends = re.search(r"^probe_ssl_earliest_cert_expiry (\S+)$", seen, re.MULTILINE)

    assert re.search(r"^probe_success 1$", seen, re.MULTILINE), seen
    assert ends
    assert datetime.fromtimestamp(float(ends[1]), UTC) == leaf.not_valid_after_utc


@pytest.mark.changes
def test_a_program_that_is_killed_comes_back(host: Host, exchanger: Exchanger) -> None:
    before = main_pid(host, UNITS[VITALS])

    host.check_output(f"kill -9 {before}")

    until(lambda: main_pid(host, UNITS[VITALS]) not in (0, before), PATIENCE_SECONDS, "another process")
    until(lambda: reach(host, exchanger.peer, VITALS) == "open", PATIENCE_SECONDS, "its port")
