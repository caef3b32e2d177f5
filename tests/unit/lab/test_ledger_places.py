"""Where letters are found: queue listings, mailboxes, bounces."""

import json
import os
from pathlib import Path

import pytest

from lab import ledger_places, ssh
from lab.ledger import Held, Seen
from lab.ledger_places import MISSING_LOOKS, Places, settle
from lab.traffic import Address, Sent
from lab.traffic_session import Attempt, Letter, Stage

RUN = "led0123abcd"
SENT = Sent(
    Letter(f"{RUN}-00001", f"{RUN}-00001@sender.example", "a@alias.example", b""),
    Address("a@alias.example", ("a@mailbox.example",)),
    [Attempt("mx1", 999.0, 1000.0, Stage.END, 250, "queued as ABC")],
)


class Hosts:
    """All exchangers, whose queues list `lines`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        self.looks = 0
        monkeypatch.setattr(ssh, "on", self._on)
        monkeypatch.setattr(ledger_places, "PAUSE", 0.0)

    def _on(self, _host: object, command: str) -> str:
        self.looks += "python3" in command
        return "" if "python3" in command else "\n".join(self.lines)


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    return Hosts(monkeypatch)


def queued(sender: str, *recipients: str) -> str:
    entries = [{"address": recipient} for recipient in recipients]
    return json.dumps({"queue_id": "ABC", "sender": sender, "recipients": entries})


def deliver(directory: Path, recipient: str, message_id: str, time: float = 1000.0) -> None:
    box = directory / recipient.rpartition("@")[2] / "new"
    box.mkdir(parents=True, exist_ok=True)
    path = box / f"{len(list(box.iterdir()))}"
    path.write_text(f"Delivered-To: {recipient}\nMessage-ID: <{message_id}@sender.example>\n\nHi\n")
    os.utime(path, (time, time))


def test_a_queue_names_a_letter_by_its_sender_also_when_it_is_rewritten(tmp_path: Path) -> None:
    places = Places(RUN, 0, tmp_path)

    plain = places.read_queued("mx1 inbound", queued(f"{RUN}-00007@sender.example", "x@alias.example"))
    srs = f"SRS0=abcdefgh=ab=sender.example={RUN}-00008@alias.example"
    rewritten = places.read_queued("mx1 out", queued(srs, "x@mailbox.example"))

    assert plain == [(f"{RUN}-00007", Held("mx1 inbound", "ABC", "x@alias.example"))]
    assert rewritten == [(f"{RUN}-00008", Held("mx1 out", "ABC", "x@mailbox.example"))]


def test_a_bounce_in_a_queue_belongs_to_the_letter_it_returns(tmp_path: Path) -> None:
    line = queued("MAILER-DAEMON", f"{RUN}-00009@sender.example")

    assert Places(RUN, 0, tmp_path).read_queued("mx1 out", line)[0][0] == f"{RUN}-00009"


def test_mail_of_other_runs_is_left_alone(tmp_path: Path, hosts: Hosts) -> None:
    deliver(tmp_path, "a@mailbox.example", "led99999999-00001")

    assert Places(RUN, 0, tmp_path).look().delivered == {}
    assert not Places(RUN, 0, tmp_path).read_queued("q", queued("led99999999-00001@x", "a@b"))
    assert hosts.looks


def test_each_copy_is_counted_once_however_often_one_looks(tmp_path: Path, hosts: Hosts) -> None:
    places = Places(RUN, 900, tmp_path)
    copy = (f"{RUN}-00001", "a@mailbox.example")
    deliver(tmp_path, "a@mailbox.example", f"{RUN}-00001", 1001.0)

    assert places.look().delivered == {copy: [1001.0]}
    assert places.look().delivered == {copy: [1001.0]}
    deliver(tmp_path, "a@mailbox.example", f"{RUN}-00001", 1002.0)

    assert places.look().delivered == {copy: [1001.0, 1002.0]}
    assert hosts.looks


def test_a_bounce_is_found_in_its_senders_mailbox(tmp_path: Path, hosts: Hosts) -> None:
    deliver(tmp_path, f"{RUN}-00001@sender.example", "a-bounce")

    assert Places(RUN, 0, tmp_path).look().bounced == {f"{RUN}-00001"}
    assert hosts.looks


def test_what_is_missing_is_looked_for_repeatedly_before_it_is_lost(tmp_path: Path, hosts: Hosts) -> None:
    seen: Seen = settle([SENT], Places(RUN, 0, tmp_path), seconds=10)

    assert not seen.delivered
    assert hosts.looks == MISSING_LOOKS * 2, "in the quarantines of two hosts each time"


def test_a_letter_in_a_queue_is_waited_for_until_the_time_is_up(tmp_path: Path, hosts: Hosts) -> None:
    hosts.lines = [queued(f"{RUN}-00001@sender.example", "a@alias.example")]

    seen = settle([SENT], Places(RUN, 0, tmp_path), seconds=0)

    assert set(seen.held) == {f"{RUN}-00001"}
