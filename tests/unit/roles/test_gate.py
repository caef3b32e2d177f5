"""The gate's settings, read back by the gate itself, its units, and what Postfix is told about it."""

from pathlib import Path

import pytest

from inventory.schema import Exchange
from roles.forwarder import SRS_KEYS
from roles.gate import SETTINGS, read_files, render_files
from roles.postfix import render_inbound
from roles.valkey import PASSWORD
from tests.unit.roles.exchanges import MX1, MX2, PEER_LINK, all_secrets, exchange, site
from tests.unit.roles.rendered import named, parameters, text
from twinmx.gate.settings import Settings
from twinmx.program.settings import SettingsError, load_settings


def settings(of: Exchange, tmp_path: Path, name: str = "mx1") -> Settings:
    file = tmp_path / "gate.toml"
    file.write_text(text(named(render_files(site(of, name)), SETTINGS)))
    return load_settings(file, Settings)


def unit(of: Exchange) -> list[str]:
    return text(named(render_files(site(of)), "gate@.service")).splitlines()


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(exchange(), id="pair"),
        pytest.param(exchange(MX1), id="alone"),
        pytest.param(exchange(flags={"spam_engines": "spamassassin"}), id="one engine"),
        pytest.param(exchange(flags={"rate_limit_answer": "421"}), id="replay of 2021"),
        pytest.param(exchange(rate_limits={"wait_seconds": 5}), id="slow Valkey"),
        pytest.param(exchange(gate={"disabled_text": '5.2.1 "off"'}), id="quotes"),
        pytest.param(exchange(gate={"mailbox_disabled_text": '5.2.1 "\\'}), id="more quotes"),
        pytest.param(exchange(spam={"total_seconds": 29.5}), id="long scans"),
    ],
)
def test_the_gate_accepts_its_settings(of: Exchange, tmp_path: Path) -> None:
    read = settings(of, tmp_path)

    assert read.spam.engines == of.spam.engines
    assert read.limits.answer == of.rate_limits.answer
    assert read.recipients.disabled_text == of.gate.disabled_text
    assert read.recipients.mailbox_disabled_text == of.gate.mailbox_disabled_text


def test_only_this_host_reaches_it(tmp_path: Path) -> None:
    read = settings(exchange(MX1, MX2 | PEER_LINK), tmp_path, "mx2")

    assert str(read.listen.address) == "127.0.0.1"
    assert str(read.metrics.address) == "10.0.0.12"


def test_postfix_asks_it_where_it_listens_and_waits_as_it_is_told(tmp_path: Path) -> None:
    of = exchange(gate={"answer_seconds": 9}, deadlines={"milter_seconds": 25})
    read = settings(of, tmp_path)
    main_cf = parameters(text(named(render_inbound(site(of)), "main.cf")))

    assert main_cf["smtpd_milters"] == f"inet:127.0.0.1:{read.listen.port}"
    assert main_cf["non_smtpd_milters"] == ""
    assert main_cf["milter_default_action"] == "accept"
    assert main_cf["milter_command_timeout"] == "9s"
    assert main_cf["milter_content_timeout"] == "25s"
    assert (read.deadline.command_seconds, read.deadline.content_seconds) == (9, 25)


def test_a_stop_waits_for_the_longest_message() -> None:
    (line,) = (line for line in unit(exchange(deadlines={"milter_seconds": 40})) if "TimeoutStopSec" in line)

    assert int(line.partition("=")[2]) > 40


def test_the_target_wants_exactly_the_workers_of_the_inventory() -> None:
    target = text(named(render_files(site(exchange(gate={"workers": 3}))), "gate.target"))
    wanted = next(line for line in target.splitlines() if line.startswith("Wants="))

    assert wanted.removeprefix("Wants=").split() == [f"gate@{n}.service" for n in (1, 2, 3)]


def test_secrets_come_as_credentials_and_a_change_of_one_restarts_it() -> None:
    lines = unit(exchange())

    assert f"LoadCredential=srs-keys:{SRS_KEYS}" in lines
    assert f"LoadCredential=valkey:{PASSWORD}" in lines
    assert [file.path for file in read_files(site())] == [SRS_KEYS, PASSWORD]
    for file in render_files(site()):
        assert not any(secret in text(file) for secret in all_secrets())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "content_seconds = 30",
            "content_seconds = 15",
            "spam.total_seconds 15 must be less than deadline.c",
        ),
        (
            "command_seconds = 6",
            "command_seconds = 0.1",
            "limits.valkey.wait_seconds 0.25 must be less than d",
        ),
        ('disabled_text = "5.2.1', 'disabled_text = "5.2', "recipients.mailbox_disabled_text = '5.2 The"),
        ('disabled_text = "5.1.1', 'disabled_text = "4.1.1', "recipients.disabled_text = '4.1.1 this alias"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    rendered = text(named(render_files(site()), SETTINGS))
    assert rendered.count(old) == 1
    file = tmp_path / "gate.toml"
    file.write_text(rendered.replace(old, new))

    with pytest.raises(SettingsError) as caught:
        load_settings(file, Settings)
    assert says in str(caught.value)
