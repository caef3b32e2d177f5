"""The exporters' flags, modules and settings; tests/hosts asks those that run."""

import hashlib
import json
from pathlib import Path

import yaml

from roles import valkey
from roles.exporters import PASSWORD, VITALS_SETTINGS, render_files
from roles.lib.managed import ManagedFile
from roles.rspamd import CONTROLLER_SOCKET
from tests.unit.roles.exchanges import MX1, MX2, PEER_LINK, all_secrets, exchange, secrets, site
from tests.unit.roles.rendered import named, text
from twinmx.program.settings import load_settings
from twinmx.vitals.settings import Settings

FILES = render_files(site(exchange(MX1, MX2 | PEER_LINK), "mx2"))


def flags(name: str) -> str:
    return text(named(FILES, f"/etc/default/prometheus-{name}-exporter"))


def test_they_listen_on_the_peer_link_and_the_prober_on_loopback() -> None:
    assert "--web.listen-address=10.0.0.12:20463 " in flags("node")
    assert "-web.listen-address 10.0.0.12:20465 " in flags("redis")
    assert "--web.listen-address=127.0.0.1:20464" in flags("blackbox")


def test_the_node_exporter_runs_the_collectors_that_alerts_read_and_no_default() -> None:
    words = flags("node").split()

    assert "--collector.disable-defaults" in words
    assert {"--collector.filesystem", "--collector.time", "--collector.timex"} < set(words)
    assert "--collector.systemd" not in words


def test_our_own_accepts_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "vitals.toml"
    file.write_text(text(named(FILES, VITALS_SETTINGS)))

    read = load_settings(file, Settings)

    assert (str(read.metrics.address), read.metrics.port_base + 1) == ("10.0.0.12", 20469)
    assert read.resolver.domain == "alias.example"
    assert str(read.rspamd.socket) == CONTROLLER_SOCKET


def test_a_probe_ends_before_prometheus_gives_up() -> None:
    of = exchange(monitors={"scrape_seconds": 3, "window_seconds": 60})
    modules = yaml.safe_load(text(named(render_files(site(of)), "blackbox.yml")))["modules"]

    assert 0 < float(modules["smtp_starttls"]["timeout"].removesuffix("s")) < 3


def test_a_probe_goes_to_the_end_of_the_handshake() -> None:
    modules = yaml.safe_load(text(named(FILES, "blackbox.yml")))["modules"]
    steps = modules["smtp_starttls"]["tcp"]["query_response"]

    assert steps[1] == {"send": "EHLO mx2.alias.example\r"}
    assert {"starttls": True} in steps
    assert steps[-1] == {"send": "QUIT\r"}


def test_valkey_knows_the_exporter_and_shows_it_no_data() -> None:
    passwords = json.loads(text(named(FILES, PASSWORD)))
    (user,) = [
        line
        for line in text(named(valkey.render_files(site()), "users.acl")).splitlines()
        if line.startswith(f"user {valkey.EXPORTER} ")
    ]

    assert passwords == {"unix://exporter@/run/valkey/valkey.sock": valkey.exporter_password(secrets())}
    digest = hashlib.sha256(valkey.exporter_password(secrets()).encode()).hexdigest()
    assert f"#{digest}" in user.split()
    assert "resetkeys" in user.split()
    assert "+info" in user.split()
    assert not {"+@all", "+get", "+keys", "~*"} & set(user.split())


def test_the_exporters_password_is_a_credential_and_no_other_secret() -> None:
    telling = [file for file in FILES if valkey.exporter_password(secrets()) in text(file)]

    assert [file.path for file in telling] == [PASSWORD]
    assert isinstance(telling[0], ManagedFile)
    assert (telling[0].mode, telling[0].user, telling[0].secret) == ("0400", "root", True)
    assert f"LoadCredential=valkey:{PASSWORD}" in text(
        named(FILES, "prometheus-redis-exporter.service.d/twinmx.conf")
    )
    assert not any(secret in text(file) for file in FILES for secret in all_secrets())
