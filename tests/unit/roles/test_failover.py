"""The failover agent's settings, read back by the agent itself, and its unit."""

from pathlib import Path

import pytest

from inventory.schema import Exchange
from inventory.secrets import Secrets
from roles import firewall
from roles.failover import SETTINGS, TSIG, UNIT, render_files
from roles.forwarder import DRAIN_DIRECTORY, SRS_KEYS
from roles.lib import ports
from roles.lib.site import Site
from tests.unit.roles.exchanges import (
    IPV6,
    MX1,
    MX2,
    MX3,
    PEER_LINK,
    TSIG_SECRET,
    all_secrets,
    exchange,
    secrets,
    site,
)
from tests.unit.roles.rendered import named, text
from twinmx.failover.settings import Settings
from twinmx.program.settings import SettingsError, load_settings

PAIR = exchange(MX1 | IPV6, MX2 | PEER_LINK)


def settings(of: Exchange, tmp_path: Path, name: str = "mx1") -> Settings:
    file = tmp_path / "failover.toml"
    file.write_text(text(named(render_files(site(of, name)), SETTINGS)))
    return load_settings(file, Settings)


def unit(of: Exchange = PAIR) -> list[str]:
    return text(named(render_files(site(of)), UNIT)).splitlines()


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(PAIR, id="pair"),
        pytest.param(exchange(MX1), id="alone"),
        pytest.param(exchange(MX1, MX2, MX3), id="three"),
        pytest.param(exchange(dns={}), id="DNS is yours"),
        pytest.param(exchange(flags={"drain": "mx1"}), id="drained by the inventory"),
        pytest.param(exchange(flags={"primary": "mx2"}), id="swapped"),
        pytest.param(
            exchange(failover={"period_seconds": 1, "lease_seconds": 4, "mode": "manual"}), id="fast"
        ),
        pytest.param(exchange(failover={"period_seconds": 60, "lease_seconds": 240}), id="slow"),
    ],
)
def test_the_agent_accepts_its_settings(of: Exchange, tmp_path: Path) -> None:
    read = settings(of, tmp_path)
    policy = read.policy

    wanted = sorted(of.exchangers, key=lambda name: of.exchangers[name].mx_priority)
    assert list(policy.hosts) == wanted
    assert policy.active == of.exchangers["mx1"].active
    assert (policy.mode, policy.lease_seconds) == (of.failover.mode, of.failover.lease_seconds)
    assert policy.domains == (of.domains if of.dns.server else ())
    assert read.timing.patience_seconds < read.timing.period_seconds
    assert str(read.places.runtime) == DRAIN_DIRECTORY


def test_an_act_comes_within_90_seconds_by_default(tmp_path: Path) -> None:
    """Evidence, then one period until the peer is asked; figures are up to a reading of the queues old."""
    of = exchange()
    read = settings(of, tmp_path)
    delay = of.monitors.queue_seconds + read.timing.period_seconds + read.timing.patience_seconds
    for rule in ("forwarders", "gates", "postfix", "pending", "deferrals", "disk", "engine", "peer"):
        seconds = getattr(read.rules, rule).periods * read.timing.period_seconds
        assert seconds + delay <= 90, rule


def test_thresholds_are_those_of_the_alerts(tmp_path: Path) -> None:
    monitors = {
        "pending_messages": 7,
        "canary_p95_seconds": 8,
        "deferral_share": 0.25,
        "deferral_messages": 9,
        "engine_share": 0.75,
        "engine_scans": 11,
    }
    rules = settings(exchange(monitors=monitors, messages={"max_bytes": 100_000}), tmp_path).rules

    assert (rules.pending.messages, rules.canary.seconds) == (7, 8)
    assert (rules.deferrals.share_percent, rules.deferrals.deliveries) == (25, 9)
    assert (rules.engine.share_percent, rules.engine.scans) == (75, 11)
    assert rules.disk.free_bytes == 200_000


def test_agents_meet_on_the_peer_link_where_the_firewall_lets_them(tmp_path: Path) -> None:
    one, two = settings(PAIR, tmp_path, "mx1"), settings(PAIR, tmp_path, "mx2")

    assert str(two.metrics.address) == str(one.peers[0].address) == "10.0.0.12"
    assert one.port == two.port == ports.FAILOVER
    rules = text(firewall.render_rules(site(PAIR)))
    assert "20460-20463" in rules


def test_exchangers_get_through_to_a_drained_host_from_all_of_their_addresses(tmp_path: Path) -> None:
    exempt = {str(address) for address in settings(PAIR, tmp_path).exempt}

    assert exempt == {"198.51.100.11", "2001:db8:1::11", "198.51.100.12", "10.0.0.12"}


def test_it_looks_where_the_programs_answer(tmp_path: Path) -> None:
    of = exchange(forwarder={"workers": 4}, gate={"workers": 3}, spam={"engines": ["spamassassin"]})
    local = settings(of, tmp_path).local

    assert (local.forwarders, local.gates, local.engines) == (4, 3, ("spamassassin",))
    assert (local.forwarders_base, local.gates_base) == (ports.METRICS_BASE, ports.GATE_METRICS_BASE)
    assert (local.queues_port, local.canary_port) == (ports.QUEUES_METRICS, ports.CANARY_METRICS)


def test_secrets_come_as_credentials() -> None:
    files = render_files(site(PAIR))
    key = named(files, TSIG)

    assert f"LoadCredential=srs-keys:{SRS_KEYS}" in unit()
    assert f"LoadCredential=tsig:{TSIG}" in unit()
    assert (text(key), key.mode, key.secret) == (f"{TSIG_SECRET}\n", "0400", True)
    for file in files:
        assert file is key or not any(secret in text(file) for secret in all_secrets())


def test_without_updates_there_is_no_key() -> None:
    of = exchange(dns={})

    assert TSIG not in {file.path for file in render_files(site(of))}
    assert not any("tsig" in line for line in unit(of))


def test_updates_need_the_key() -> None:
    keyless: Secrets = secrets().model_copy(update={"tsig_keys": ()})

    with pytest.raises(ValueError, match="tsig_keys: missing"):
        render_files(Site(exchange(), "mx1", keyless))


def test_it_may_change_the_packet_filter_and_nothing_else() -> None:
    lines = unit()

    assert "CapabilityBoundingSet=CAP_NET_ADMIN" in lines
    assert "AmbientCapabilities=CAP_NET_ADMIN" in lines
    assert "RestrictAddressFamilies=AF_NETLINK" in lines
    assert "User=twinmx" in lines
    assert "Restart=always" in lines
    assert "RuntimeDirectoryPreserve=yes" in lines, "a lease outlives a restart"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "lease_seconds = 60",
            "lease_seconds = 19",
            "lease_seconds 19 must be at least four periods",
        ),
        ("patience_seconds = 2.0", "patience_seconds = 5", "patience_seconds 5 must be less than a period"),
        ('name = "mx1"\nmode', 'name = "mx3"\nmode', "hosts must name each exchanger once, mx3 among them"),
        ("preference = 20", "preference = 5", "in the order of their preferences"),
        ('mode = "auto"', 'mode = "maybe"', "mode = 'maybe'"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    rendered = text(named(render_files(site()), SETTINGS))
    assert rendered.count(old) == 1
    file = tmp_path / "failover.toml"
    file.write_text(rendered.replace(old, new))

    with pytest.raises(SettingsError) as caught:
        load_settings(file, Settings)
    assert says in str(caught.value)
