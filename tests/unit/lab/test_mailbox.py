import os
import threading
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.mailbox import Mailboxes, new_token


def deliver(directory: Path, name: str, content: bytes, time: float = 1000.0) -> None:
    box = directory / "mailbox.example"
    for part in "tmp", "new":
        (box / part).mkdir(parents=True, exist_ok=True)
    (box / "tmp" / name).write_bytes(content)
    os.utime(box / "tmp" / name, (time, time))
    (box / "tmp" / name).rename(box / "new" / name)


def text(subject: str, recipient: str = "hello@mailbox.example", body: bytes = b"Hi\n") -> bytes:
    head = f"Return-Path: <sender@sender.example>\nDelivered-To: {recipient}\nSubject: {subject}\n\n"
    return head.encode() + body


def test_a_message_is_found_by_its_token_with_envelope_and_time(tmp_path: Path) -> None:
    token = new_token()
    deliver(tmp_path, "1", text("other"))
    deliver(tmp_path, "2", text(f"see {token}"), time=1234.5)

    arrived = Mailboxes(tmp_path).wait(token, "hello@mailbox.example", seconds=0)

    assert arrived.recipient == "hello@mailbox.example"
    assert arrived.sender == "sender@sender.example"
    assert arrived.time == 1234.5
    assert arrived.body == b"Hi\n"


def test_the_message_id_names_a_message_as_well(tmp_path: Path) -> None:
    token = new_token()
    deliver(tmp_path, "1", b"Message-ID: <" + token.encode() + b"@x>\n\nbody")

    assert len(Mailboxes(tmp_path).find(token)) == 1


def test_an_encoded_and_folded_subject_is_read(tmp_path: Path) -> None:
    token = new_token()
    deliver(tmp_path, "1", text(f"=?utf-8?q?gr=C3=BC=C3=9Fe?=\n {token}"))

    assert Mailboxes(tmp_path).find(token)[0].subject == f"grüße {token}"


def test_raw_utf8_in_a_header_is_kept(tmp_path: Path) -> None:
    token = new_token()
    deliver(tmp_path, "1", text(f"grüße {token}", recipient="grüße@mailbox.example"))

    assert Mailboxes(tmp_path).find(token, "grüße@mailbox.example")


def test_another_recipient_s_copy_is_not_taken(tmp_path: Path) -> None:
    token = new_token()
    deliver(tmp_path, "1", text(token, recipient="anna@mailbox.example"))

    with pytest.raises(LabError, match=f"{token} for ben@post.example"):
        Mailboxes(tmp_path).wait(token, "ben@post.example", seconds=0)


def test_waiting_ends_when_the_message_comes(tmp_path: Path) -> None:
    token = new_token()
    late = threading.Timer(0.15, deliver, (tmp_path, "1", text(token)))
    late.start()

    assert Mailboxes(tmp_path).wait(token, seconds=5).subject == token
    late.join()


def test_a_number_of_copies_is_awaited_oldest_first(tmp_path: Path) -> None:
    token = new_token()
    deliver(tmp_path, "1", text(token), time=20)
    deliver(tmp_path, "2", text(token), time=10)

    mailboxes = Mailboxes(tmp_path)

    assert [arrived.time for arrived in mailboxes.wait_for(2, token, seconds=0)] == [10, 20]
    with pytest.raises(LabError, match="3 messages"):
        mailboxes.wait_for(3, token, seconds=0)
