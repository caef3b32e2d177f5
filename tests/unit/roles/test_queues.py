"""The settings of twinmx-queues, read back by the program itself, and its unit."""

from pathlib import Path

import pytest

from inventory.schema import Exchange
from roles.lib import ports
from roles.postfix import render_inbound, render_out
from roles.queues import SERVICE, SETTINGS, render_files
from tests.unit.roles.exchanges import MX1, MX2, PEER_LINK, exchange, site
from tests.unit.roles.rendered import named, parameters, text
from twinmx.program.settings import SettingsError, load_settings
from twinmx.queues.settings import Settings


def settings(of: Exchange, tmp_path: Path, name: str = "mx1") -> Settings:
    file = tmp_path / "queues.toml"
    file.write_text(text(named(render_files(site(of, name)), SETTINGS)))
    return load_settings(file, Settings)


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(exchange(), id="pair"),
        pytest.param(exchange(MX1), id="alone"),
        pytest.param(exchange(monitors={"queue_seconds": 3}), id="often"),
    ],
)
def test_it_accepts_its_settings(of: Exchange, tmp_path: Path) -> None:
    read = settings(of, tmp_path)

    assert read.timing.interval_seconds == of.monitors.queue_seconds
    assert set(read.instances) == {"in", "out"}


def test_it_reads_the_queues_where_postfix_has_them(tmp_path: Path) -> None:
    read = settings(exchange(), tmp_path)
    out = parameters(text(named(render_out(site()), "main.cf")))
    inbound = parameters(text(named(render_inbound(site()), "main.cf")))

    assert str(read.instances["out"].queue_directory) == out["queue_directory"]
    assert read.instances["out"].syslog_name == out["multi_instance_name"]
    assert str(read.instances["out"].config_directory) == inbound["alternate_config_directories"]


def test_metrics_are_where_monitors_look_on_the_peer_link(tmp_path: Path) -> None:
    metrics = settings(exchange(MX1, MX2 | PEER_LINK), tmp_path, "mx2").metrics

    assert (str(metrics.address), metrics.port_base + 1) == ("10.0.0.12", ports.QUEUES_METRICS)
    assert "--worker 1" in text(named(render_files(site()), SERVICE))


def test_deliveries_of_every_canary_are_left_out(tmp_path: Path) -> None:
    of = exchange()
    ignored = settings(of, tmp_path).log.ignore

    assert {alias.address for alias in of.canary_aliases.values()} <= ignored
    assert {mailbox for alias in of.canary_aliases.values() for mailbox in alias.mailboxes} <= ignored
    assert len(ignored) == 4


def test_it_may_ask_postfix_and_read_the_journal_in_spite_of_its_hardening() -> None:
    lines = text(named(render_files(site()), SERVICE)).splitlines()

    assert "SupplementaryGroups=postdrop systemd-journal" in lines
    assert "NoNewPrivileges=yes" in lines
    assert "RestrictAddressFamilies=AF_NETLINK" in lines
    assert [line for line in lines if line.startswith("ProcSubset=")][-1] == "ProcSubset=all"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[instances.out]", "[instances.middle]", "instances.middle"),
        ('syslog_name = "postfix"', 'syslog_name = "Postfix/x"', "instances.in.syslog_name = 'Postfix/x'"),
        ("interval_seconds", "intervall_seconds", "timing.intervall_seconds"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    rendered = text(named(render_files(site()), SETTINGS))
    assert rendered.count(old) == 1
    file = tmp_path / "queues.toml"
    file.write_text(rendered.replace(old, new))

    with pytest.raises(SettingsError) as caught:
        load_settings(file, Settings)
    assert says in str(caught.value)
