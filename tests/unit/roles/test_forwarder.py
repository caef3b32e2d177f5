"""The forwarder's settings, read back by the forwarder itself, and its units."""

import re
from pathlib import Path

import pytest

from inventory.schema import Exchange
from roles.forwarder import BASE_BYTES, COPIES, SETTINGS, SRS_KEYS, render_files
from tests.unit.roles.exchanges import DATABASE, MX1, MX2, MX3, PEER_LINK, exchange, site
from tests.unit.roles.exchanges import SRS_KEYS as KEYS
from tests.unit.roles.rendered import named, text
from twinmx.forwarder.settings import Settings
from twinmx.program.settings import load_settings


def settings(of: Exchange, tmp_path: Path, name: str = "mx1") -> Settings:
    file = tmp_path / "forwarder.toml"
    file.write_text(text(named(render_files(site(of, name)), SETTINGS)))
    return load_settings(file, Settings)


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(exchange(), id="pair"),
        pytest.param(exchange(MX1), id="alone"),
        pytest.param(exchange(MX1, MX2 | PEER_LINK, MX3), id="three"),
        pytest.param(exchange(flags={"drain": "mx1"}), id="drained"),
        pytest.param(exchange(flags={"spam_engines": "spamassassin"}), id="one engine"),
        pytest.param(exchange(spam={"total_seconds": 29.5}), id="long scans"),
        pytest.param(exchange(spam={"total_seconds": 15.1}), id="a sum that is not exact"),
    ],
)
def test_the_forwarder_accepts_its_settings(of: Exchange, tmp_path: Path) -> None:
    read = settings(of, tmp_path)

    assert read.spam.engines == of.spam.engines
    parts = read.spam.total_seconds + read.reinject.seconds + read.peers.seconds
    assert parts <= read.deadline.total_seconds
    assert read.limits is None
    assert read.listen.max_message_size > of.messages.max_bytes


def test_it_listens_to_this_host_and_to_the_peers_alone(tmp_path: Path) -> None:
    read = settings(exchange(MX1, MX2 | PEER_LINK, MX3), tmp_path)

    assert [str(address) for address in read.listen.addresses] == ["127.0.0.1", "198.51.100.11"]
    assert {str(network) for network in read.listen.clients} == {
        "127.0.0.1/32",
        "10.0.0.12/32",
        "198.51.100.13/32",
    }


def test_it_knows_whom_to_tell_what_is_delivered(tmp_path: Path) -> None:
    read = settings(exchange(MX1, MX2 | PEER_LINK, MX3), tmp_path)

    assert {str(address) for address in read.peers.addresses} == {"10.0.0.12", "198.51.100.13"}


@pytest.mark.parametrize("answer", [450, 421])
def test_it_defers_only_in_a_replay_of_2021(tmp_path: Path, answer: int) -> None:
    of = exchange(rate_limits={"answer": answer})
    unit = text(named(render_files(site(of)), "forwarder@.service"))
    limits = settings(of, tmp_path).limits

    assert limits is not None
    assert limits.answer == answer
    assert "\nLoadCredential=valkey:" in unit
    assert "LoadCredential=valkey" not in text(named(render_files(site()), "forwarder@.service"))


def test_a_worker_has_one_message_at_a_time_only_in_a_replay(tmp_path: Path) -> None:
    replayed = settings(exchange(forwarder={"alone_seconds": 0.3}), tmp_path).alone

    assert replayed is not None
    assert (replayed.seconds, replayed.question) == (0.3, None)
    assert settings(exchange(), tmp_path).alone is None


def test_the_question_of_july_2021_needs_its_password_and_only_then(tmp_path: Path) -> None:
    of = exchange(alias_source="postgresql", database=DATABASE, forwarder={"asks_database": True})
    unit = text(named(render_files(site(of)), "forwarder@.service"))
    replayed = settings(of, tmp_path).alone

    assert replayed is not None
    assert replayed.question is not None
    assert replayed.question.database.host == DATABASE["fqdn"]
    assert "\nLoadCredential=database:" in unit
    assert "LoadCredential=database" not in text(named(render_files(site()), "forwarder@.service"))


def test_it_listens_on_its_own_peer_link(tmp_path: Path) -> None:
    read = settings(exchange(MX1, MX2 | PEER_LINK), tmp_path, "mx2")

    assert [str(address) for address in read.listen.addresses] == ["127.0.0.1", "10.0.0.12"]
    assert str(read.metrics.address) == "10.0.0.12"


@pytest.mark.parametrize("max_bytes", [65_536, 36_700_160, 209_715_200])
def test_what_is_in_hand_fits_into_the_memory_of_a_worker(tmp_path: Path, max_bytes: int) -> None:
    of = exchange(messages={"max_bytes": max_bytes})
    listen = settings(of, tmp_path).listen
    (memory,) = re.findall(r"\nMemoryMax=(\d+)\n", text(named(render_files(site(of)), "forwarder@.service")))

    assert listen.max_bytes_in_hand >= listen.max_message_size
    assert int(memory) >= BASE_BYTES + COPIES * listen.max_bytes_in_hand


@pytest.mark.parametrize("seconds", [60, 300])
def test_systemd_waits_longer_than_a_message_may_take(seconds: int) -> None:
    of = exchange(deadlines={"data_done_seconds": seconds})
    unit = text(named(render_files(site(of)), "forwarder@.service"))
    (wait,) = re.findall(r"\nTimeoutStopSec=(\d+)\n", unit)

    assert int(wait) > seconds


def test_the_order_of_the_engines_is_the_operators(tmp_path: Path) -> None:
    read = settings(exchange(flags={"spam_engines": "spamassassin,rspamd"}), tmp_path)

    assert read.spam.engines == ("spamassassin", "rspamd")


def test_the_target_wants_exactly_the_workers_of_the_inventory() -> None:
    target = text(named(render_files(site(exchange(flags={"workers": "4"}))), "forwarder.target"))
    wanted = next(line for line in target.splitlines() if line.startswith("Wants="))

    assert wanted.removeprefix("Wants=").split() == [f"forwarder@{n}.service" for n in (1, 2, 3, 4)]


def test_keys_are_a_secret_file_of_their_own_and_in_no_other() -> None:
    files = render_files(site())
    keys = named(files, SRS_KEYS)

    assert (keys.mode, keys.user, keys.secret) == ("0400", "root", True)
    assert text(keys).split() == list(KEYS)
    for file in files:
        assert file is keys or not any(key in text(file) for key in KEYS)
