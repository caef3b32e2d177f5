"""The canary with a real Postfix: who may send to its aliases, what it counts, and what it never touches."""

import json
import re
import urllib.request

import pytest

from inventory.schema import Exchange
from lab import ssh
from lab.mailbox import new_token
from lab.send import SENDER
from lab.settings import LAB, LabHost
from lab.waiting import until
from roles.lib import ports
from tests.mail.dialogue import answer_to
from tests.mail.exchangers import QUARANTINE, stopped

FORWARDERS = ("forwarder.target", "forwarder@*.service")
SPELLINGS = ("CANARY-{name}@alias.example", '"canary-{name}"@alias.example', "canary-{name}@alias.example.")


def page(host: LabHost, path: str) -> str:
    """What the canary of a host says over HTTP."""
    url = f"http://{host.address}:{ports.CANARY_METRICS}{path}"
    with urllib.request.urlopen(url, timeout=3) as response:
        return str(response.read().decode())


def counted(host: LabHost, name: str, via: LabHost, labels: str = "") -> float:
    """A figure of the canary of `host`, of its messages through `via`."""
    pattern = rf'^twinmx_canary_{name}{{{labels}via="{via.alias}"}} (\S+)$'
    found = re.search(pattern, page(host, "/metrics"), re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.fixture
def pace(exchange: Exchange) -> float:
    return exchange.canary.interval_seconds


def grows(host: LabHost, name: str, via: LabHost, seconds: float) -> None:
    """Wait until a figure is higher than now."""
    before = counted(host, name, via)
    until(lambda: counted(host, name, via) > before, seconds, f"{name} of {host.alias} through {via.alias}")


def comes_back(host: LabHost, via: LabHost) -> None:
    """Wait until the last message of `host` through `via` is one that arrived."""

    def is_well() -> bool:
        delays = json.loads(page(host, "/state"))["via"][via.alias]["delays"]
        return delays[-1:] not in ([], [None])

    until(is_well, 120, f"canaries of {host.alias} through {via.alias} again")


def test_every_host_s_mail_comes_back_through_every_exchanger(exchanger: LabHost, pace: float) -> None:
    for via in LAB.hosts:
        grows(exchanger, "arrived_total", via, 2 * pace + 10)
        assert counted(exchanger, "last_delay_seconds", via) < 5


@pytest.mark.parametrize("sender", [SENDER, ""], ids=["sender", "null"])
def test_a_stranger_hears_that_there_is_no_such_alias(exchanger: LabHost, sender: str) -> None:
    """Word for word what he hears of any other address that is not there."""
    unknown = f"{new_token()}@alias.example"
    nobody = answer_to(exchanger, unknown, sender)
    for host in LAB.hosts:
        address = f"canary-{host.alias}@alias.example"
        reply = answer_to(exchanger, address, sender)
        assert (reply.code, reply.text.replace(address, "")) == (550, nobody.text.replace(unknown, ""))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_its_alias_is_taken_from_a_stranger(one: LabHost, spelling: str) -> None:
    assert answer_to(one, spelling.format(name=one.alias)).code == 550


def test_spam_of_its_own_was_refused_through_every_exchanger(exchanger: LabHost) -> None:
    """The first goes out when the canary starts, so one has been decided about."""
    for via in LAB.hosts:
        spam = f"canary-{exchanger.alias}@alias.example"
        log = f"journalctl -q -o cat -u 'gate@*' --grep '{spam}' || true"
        lines = [json.loads(line) for line in ssh.on(via, log).splitlines() if line.startswith("{")]
        assert "spam" in {line["outcome"] for line in lines if line["event"] == "message"}
        assert counted(exchanger, "verdict_wrong_total", via, 'letter="ham",') == 0


def test_it_is_in_nobody_s_statistics_and_in_no_quarantine(exchanger: LabHost, pace: float) -> None:
    until(lambda: counted(exchanger, "arrived_total", exchanger) > 0, 2 * pace + 10, "a canary")

    for by in ("alias", "mailbox"):
        rows = ssh.on(exchanger, f"mxctl top --by {by} --window 10m -n 1000 --json")
        assert "canary" not in rows
    assert not ssh.on(exchanger, f"grep -rl X-Twinmx-Canary {QUARANTINE} || true")


def test_while_every_forwarder_is_away_its_mail_is_lost_and_then_it_is_back(
    exchanger: LabHost, exchange: Exchange, pace: float
) -> None:
    hosts = list(LAB.hosts)
    with stopped(hosts, *FORWARDERS):
        for via in hosts:
            grows(exchanger, "lost_total", via, exchange.canary.lost_after_seconds + 2 * pace + 10)
            assert counted(exchanger, "waiting_seconds", via) > pace
    for via in hosts:
        comes_back(exchanger, via)


def test_what_cannot_be_delivered_to_a_canary_stays_in_no_queue(exchanger: LabHost) -> None:
    """A listener that is away must not make postfix-out's queue look like trouble."""
    (other,) = (host for host in LAB.hosts if host is not exchanger)
    grows(exchanger, "sent_total", other, 60)
    with stopped([exchanger], "canary.service"):
        until(
            lambda: "canary.invalid" not in ssh.on(other, "postqueue -c /etc/postfix-out -p"), 30, "no queue"
        )
    comes_back(exchanger, other)
