"""SpamAssassin, asked over the spamd protocol."""

import pytest

from inventory.schema import Exchange
from tests.hosts.asking import Host, caps, comes_back_for_ever, exposure

pytestmark = pytest.mark.role("spamassassin")

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def score(host: Host, body: str) -> float:
    """The score of a small message."""
    message = f"From: a@sender.example\\nSubject: test\\n\\n{body}\\n"
    answer = host.run(f"printf '%b' '{message}' | spamc -d 127.0.0.1 -c -t 20").stdout
    return float(answer.split("/")[0])


def test_it_answers(host: Host) -> None:
    assert host.check_output("spamc -d 127.0.0.1 -K").startswith("SPAMD/")


def test_it_recognises_the_test_spam(host: Host, exchange: Exchange) -> None:
    assert score(host, GTUBE) >= exchange.spam.reject_score


def test_it_lets_an_ordinary_message_pass(host: Host, exchange: Exchange) -> None:
    assert score(host, "Hello, shall we meet on Tuesday?") < exchange.spam.reject_score


def test_it_listens_on_loopback_alone(host: Host) -> None:
    rows = host.check_output("ss -Hltnp").splitlines()

    assert [row.split()[3] for row in rows if ":783 " in row] == ["127.0.0.1:783"]


def test_it_runs_as_many_children_as_the_inventory_allows(host: Host, exchange: Exchange) -> None:
    assert f"--max-children {exchange.spam.spamassassin.children} " in host.check_output(
        "tr '\\0' ' ' </proc/$(systemctl show -P MainPID spamd)/cmdline"
    )
    assert int(host.check_output("pgrep -cf '^spamd child'")) <= exchange.spam.spamassassin.children


def test_what_reads_strangers_mail_is_not_root(host: Host) -> None:
    users = host.check_output("ps -o user:20= -p $(pgrep -d, -f '^spamd child')").split()

    assert set(users) == {"debian-spamd"}


def test_its_rules_are_well_formed(host: Host) -> None:
    assert host.run("spamassassin --lint").rc == 0


def test_it_is_capped_and_comes_back(host: Host, exchange: Exchange) -> None:
    knobs = exchange.spam.spamassassin

    assert caps(host, "spamd.service") == (knobs.cpu_percent / 100, knobs.memory_megabytes << 20)
    assert comes_back_for_ever(host, "spamd.service")


def test_it_is_hardened(host: Host) -> None:
    assert exposure(host, "spamd.service") <= 3.0
