"""The canary's settings, read back by itself, and what other roles are told of its aliases."""

import tomllib
from pathlib import Path

import pytest

from inventory.schema import Exchange
from roles import aliases, canary, forwarder, gate, postfix
from roles.lib import ports
from tests.unit.roles.exchanges import DATABASE, MX1, MX2, MX3, PEER_LINK, all_secrets, exchange, site
from tests.unit.roles.rendered import named, parameters, services, text
from twinmx.canary.settings import Settings
from twinmx.program.settings import load_settings

PAIR = exchange(MX1, MX2 | PEER_LINK)
ALIASES = ["canary-mx1@alias.example", "canary-mx2@alias.example"]


def settings(of: Exchange, tmp_path: Path, name: str = "mx1") -> Settings:
    file = tmp_path / "canary.toml"
    file.write_text(text(named(canary.render_files(site(of, name)), "canary.toml")))
    return load_settings(file, Settings)


def test_it_accepts_its_settings_and_has_the_inventory_s_times(tmp_path: Path) -> None:
    of = exchange(
        canary={
            "interval_seconds": 5,
            "handover_seconds": 9,
            "lost_after_seconds": 60,
            "gtube_seconds": 600,
        }
    )
    send = settings(of, tmp_path).send

    assert (send.interval_seconds, send.handover_seconds) == (5, 9)
    assert (send.lost_after_seconds, send.gtube_seconds) == (60, 600)
    assert settings(exchange(), tmp_path).reject_score == 15


def test_it_tries_every_exchanger_at_its_peer_address_and_itself(tmp_path: Path) -> None:
    read = settings(PAIR, tmp_path, "mx2")

    assert {name: str(to) for name, to in read.send.exchangers.items()} == {
        "mx1": "198.51.100.11",
        "mx2": "10.0.0.12",
    }
    assert str(read.send.source) == str(read.listen.address) == str(read.metrics.address) == "10.0.0.12"
    assert {str(client) for client in read.listen.clients} == {"198.51.100.11", "10.0.0.12"}
    assert read.metrics.port_base + canary.WORKER == ports.CANARY_METRICS


def test_one_that_the_inventory_has_drained_is_not_tried_but_its_mail_is_taken(tmp_path: Path) -> None:
    read = settings(exchange(flags={"drain": "mx1"}), tmp_path, "mx1")

    assert list(read.send.exchangers) == ["mx2"]
    assert "198.51.100.11" in {str(client) for client in read.listen.clients}


def test_its_mail_ends_at_its_own_listener_from_every_postfix_out(tmp_path: Path) -> None:
    for name in ("mx1", "mx2"):
        read = settings(PAIR, tmp_path, name)
        domain = read.listen.mailbox.partition("@")[2]
        route = f"{{ {domain} = canary:[{read.listen.address}]:{read.listen.port} }}"
        for other in ("mx1", "mx2"):
            out = postfix.render_out(site(PAIR, other))
            assert route in parameters(text(named(out, "main.cf")))["transport_maps"]


def test_it_calls_itself_by_no_name_of_a_postfix(tmp_path: Path) -> None:
    """Or postfix-out would take it for itself."""
    rendered = (postfix.render_inbound(site()), postfix.render_out(site()))
    names = {parameters(text(named(files, "main.cf")))["myhostname"] for files in rendered}

    assert settings(exchange(), tmp_path).listen.greeting not in names


def test_what_cannot_be_delivered_to_a_listener_stays_in_no_queue() -> None:
    out = postfix.render_out(site(PAIR, "mx2"))
    service = services(text(named(out, "master.cf")))["canary unix"]

    assert "smtp_delivery_status_filter=pcre:/etc/postfix-out/canary.pcre" in service
    assert "smtp_bind_address=10.0.0.12" in service
    assert "syslog_name=postfix-out/canary" in service
    assert text(named(out, "canary.pcre")).splitlines()[-1] == r"/^4(\.\d+\.\d+ .*)/  5$1"
    main = parameters(text(named(out, "main.cf")))
    assert main["canary_destination_concurrency_failed_cohort_limit"] == "0"


def test_exchangers_alone_may_send_to_its_aliases() -> None:
    of = exchange(MX1, MX2 | PEER_LINK, MX3)
    inbound = postfix.render_inbound(site(of))
    main = parameters(text(named(inbound, "main.cf")))
    table = [
        line.split() for line in text(named(inbound, "canary_clients.cidr")).splitlines() if line[0] != "#"
    ]

    exchangers = {"198.51.100.11", "198.51.100.12", "10.0.0.12", "198.51.100.13"}
    assert {address for address, answer in table if answer == "DUNNO"} == exchangers
    assert table[-2:] == [["0.0.0.0/0", "strangers"], ["::/0", "strangers"]]
    assert main["smtpd_restriction_classes"] == "strangers"
    for number in (1, 2, 3):
        refusal = f"{{ canary-mx{number}@alias.example = 550 5.1.1 User unknown in relay recipient table }}"
        assert refusal in main["strangers"]
    first, second, *_ = main["smtpd_recipient_restrictions"].split(", ")
    assert first == "reject_unauth_destination"
    assert second == "check_client_access cidr:/etc/postfix/canary_clients.cidr"


def test_gate_and_forwarder_count_its_mail_for_nobody() -> None:
    for files, name in (
        (gate.render_files(site()), "gate.toml"),
        (forwarder.render_files(site()), "forwarder.toml"),
    ):
        assert tomllib.loads(text(named(files, name)))["canaries"] == ALIASES


def test_its_aliases_are_in_the_snapshot_whatever_the_source() -> None:
    from_file = exchange(
        aliases_file="inventory/production-aliases.yml", domains=["example.org", "example.com"]
    )
    shipped = text(aliases.render_source(site(from_file))).splitlines()
    follower = aliases.render_follower(
        site(exchange(database=DATABASE | {"authority": __file__}, alias_source="postgresql"))
    )

    assert any('"canary-mx2@example.org"' in line and "canary@mx2.canary.invalid" in line for line in shipped)
    assert tomllib.loads(text(named(follower, "aliases.toml")))["canaries"] == {
        "canary-mx1@alias.example": "canary@mx1.canary.invalid",
        "canary-mx2@alias.example": "canary@mx2.canary.invalid",
    }


@pytest.mark.parametrize(
    "line", ["Type=notify", "Restart=always", "StartLimitIntervalSec=0", "WatchdogSec=30"]
)
def test_it_comes_back_for_ever(line: str) -> None:
    assert line in text(named(canary.render_files(site()), "canary.service")).splitlines()


def test_its_keys_come_as_a_credential() -> None:
    for file in canary.render_files(site()):
        assert not any(secret in text(file) for secret in all_secrets())
    unit = text(named(canary.render_files(site()), "canary.service"))
    assert f"LoadCredential=srs-keys:{forwarder.SRS_KEYS}" in unit
