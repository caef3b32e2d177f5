"""The quarantine as an operator has it: listed, shown, released once, dropped, and emptied by age."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.mailbox import Mailboxes, new_token
from lab.probe import VERDICT_FIELD
from lab.waiting import until
from tests.hosts.asking import Host, run_python

# it puts spam on the hosts, for aliases that only the lab has
pytestmark = [pytest.mark.role("forwarder"), pytest.mark.changes]

DIRECTORY = "/var/lib/twinmx/quarantine"
ALIAS = "team@alias.example"
MAILBOXES = ("anna@mailbox.example", "ben@post.example")
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
# Postfix takes no spam, so it comes to the forwarder as from a Postfix whose gate is away
INJECT = """
import smtplib
with smtplib.SMTP("127.0.0.1", 20381, local_hostname="mx") as session:
    lines = ["From: a@sender.example", "Subject: {token}", "Message-ID: <{token}@a.example>", "", "{body}"]
    session.sendmail("{token}@sender.example", ["{alias}"], "\\r\\n".join(lines))
"""


@dataclass(frozen=True)
class Spam:
    """A message in quarantine."""

    token: str
    name: str


def mxctl(host: Host, *arguments: str) -> Any:
    return host.run("mxctl quarantine " + " ".join(map(shlex.quote, arguments)))


def rows(host: Host, token: str) -> list[dict[str, Any]]:
    listed = json.loads(mxctl(host, "list", "--json").stdout)
    return [row for row in listed if token in row.get("sender", "")]


@pytest.fixture
def spam(host: Host) -> Iterator[Spam]:
    token = new_token()
    run_python(host, INJECT.format(token=token, alias=ALIAS, body=GTUBE))
    (row,) = until(lambda: rows(host, token), 10, f"{token} in quarantine")
    yield Spam(token, row["name"])
    mxctl(host, "drop", row["name"])


def test_it_is_listed_with_what_an_operator_asks(host: Host, spam: Spam) -> None:
    (row,) = rows(host, spam.token)

    assert (row["alias"], row["account"], row["mailboxes"]) == (ALIAS, "team", list(MAILBOXES))
    assert row["score"] >= 15
    assert row["engine"] in ("rspamd", "spamassassin")
    assert row["age_seconds"] < 3600
    assert spam.name in mxctl(host, "list").stdout
    assert spam.name not in mxctl(host, "list", "--older", "1d").stdout


def test_it_is_shown(host: Host, spam: Spam) -> None:
    assert f"Subject: {spam.token}" in mxctl(host, "show", spam.name, "--headers").stdout
    assert GTUBE in mxctl(host, "show", spam.name, "--raw").stdout
    assert f"{spam.token}@sender.example" in mxctl(host, "show", spam.name).stdout


def test_a_release_brings_one_copy_to_each_mailbox_and_no_engine_sees_it(host: Host, spam: Spam) -> None:
    done = mxctl(host, "release", spam.name)

    assert done.rc == 0, done.stderr
    for mailbox in MAILBOXES:
        arrived = Mailboxes().wait(spam.token, mailbox)
        assert GTUBE.encode() in arrived.body
        assert arrived.content.count(f"\n{VERDICT_FIELD}:".encode()) == 1
    assert rows(host, spam.token) == []
    assert mxctl(host, "release", spam.name).rc == 1
    assert len(Mailboxes().find(spam.token)) == len(MAILBOXES)
    assert f"mxctl quarantine {spam.name}: released" in host.check_output(
        "journalctl -q -t mxctl -n 20 -o cat"
    )


def test_dropped_is_gone(host: Host, spam: Spam) -> None:
    assert mxctl(host, "drop", spam.name).rc == 0
    assert rows(host, spam.token) == []
    assert not host.file(f"{DIRECTORY}/{spam.name}").exists
    assert mxctl(host, "show", spam.name).rc == 1


def test_two_operators_do_not_release_the_same(host: Host, spam: Spam) -> None:
    locked = host.run(f"flock {DIRECTORY}/{spam.name} mxctl quarantine release {spam.name}")

    assert locked.rc == 1
    assert "somebody else has it in hand" in locked.stderr
    assert len(rows(host, spam.token)) == 1


def test_it_is_emptied_by_age_and_looking_makes_nothing_younger(host: Host, spam: Spam) -> None:
    kept = host.check_output("grep -o 'mM:[0-9]*d' /etc/tmpfiles.d/twinmx.conf")
    days = int(kept.removeprefix("mM:").removesuffix("d"))
    item = f"{DIRECTORY}/{spam.name}"

    def clean_after(days: int) -> None:
        host.check_output(f"touch -d '{days} days ago' {item}/* {item} && cat {item}/* >/dev/null")
        host.check_output("systemd-tmpfiles --clean twinmx.conf")

    clean_after(days - 1)
    assert len(rows(host, spam.token)) == 1
    clean_after(days + 1)
    assert not host.file(item).exists


def test_it_is_for_root_alone(host: Host, spam: Spam) -> None:
    refused = host.run("setpriv --reuid nobody --clear-groups mxctl quarantine list")

    assert refused.rc == 1
    assert spam.name not in refused.stdout
    assert "Permission denied" in refused.stderr


def test_what_is_asked_wrongly_is_told(host: Host) -> None:
    assert mxctl(host, "list", "--older", "soon").rc == 2
    assert mxctl(host, "release").rc == 2
