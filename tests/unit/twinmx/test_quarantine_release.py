"""`mxctl quarantine release` and `drop`, with an independent SMTP server as postfix-out: every copy once."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.twinmx.peers import Sink
from tests.unit.twinmx.quarantined import MESSAGE, ONWARD, PAIR, Host, Serve
from twinmx.quarantine import Quarantine


class Dumb(Sink):
    """Accepts the message and never says so."""

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(30)
        return self.final


def test_a_release_sends_one_copy_to_each_mailbox_and_removes_the_item(host: Host) -> None:
    name = host.store()
    code, text = host.run("release", name)
    assert (code, host.mailboxes) == (0, list(PAIR)), text
    assert [envelope.content for envelope in host.sink.accepted] == [MESSAGE, MESSAGE]
    assert {envelope.mail_from for envelope in host.sink.accepted} == {ONWARD.sender}
    assert list(host.directory.iterdir()) == []
    assert host.run("release", name)[0] == 1


def test_a_refusal_keeps_it_and_a_second_release_repeats_no_copy(host: Host) -> None:
    host.sink.refuse[PAIR[1]] = "550 5.1.1 nobody"
    name = host.store()
    code, text = host.run("release", name)
    assert code == 1
    assert "two@post.example: refused: 550 5.1.1 nobody" in text
    (row,) = host.rows()
    assert (row["has_copy"], row["in_doubt"]) == ([PAIR[0]], None)
    assert row["last_refusal"] == "two@post.example: 550 5.1.1 nobody"

    host.sink.refuse.clear()
    assert host.run("release", name)[0] == 0
    assert host.mailboxes == list(PAIR)


def test_a_refused_message_is_kept(host: Host) -> None:
    host.sink.final = "552 5.2.2 full"
    name = host.store()
    code, _ = host.run("release", name)
    assert (code, host.rows()[0]["has_copy"]) == (1, [])


def test_nobody_there_is_no_doubt(host: Host) -> None:
    name = host.store()
    host.hands_on_to(1)
    code, text = host.run("release", name)
    assert code == 1
    assert "Connect call failed" in text
    (row,) = host.rows()
    assert row["in_doubt"] is None
    assert "Connect call failed" in row["last_refusal"]


def test_a_lost_answer_is_a_doubt_that_only_an_operator_resolves(host: Host, serve: Serve) -> None:
    dumb = serve(Dumb())
    name = host.store()
    host.hands_on_to(dumb.port, seconds=0.2)
    code, text = host.run("release", name)
    assert code == 1
    assert "may have been accepted" in text
    host.hands_on_to(host.sink.port)

    assert host.rows()[0]["in_doubt"] == PAIR[0]
    code, text = host.run("release", name)
    assert code == 1
    assert "--again" in text
    assert host.mailboxes == []

    host.sink.refuse[PAIR[1]] = "450 4.2.0 not now"
    assert host.run("release", name, "--again")[0] == 1
    assert host.rows()[0]["in_doubt"] is None
    host.sink.refuse.clear()
    assert host.run("release", name)[0] == 0
    assert host.mailboxes == list(PAIR)


def test_a_crash_at_any_write_is_resumed_without_a_second_copy(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies at the n-th rename, for each n there is; then an operator goes on."""
    rename = Path.rename
    for death in range(5):  # before and after each of two transactions, and at the removal
        host.sink.accepted.clear()
        name = host.store()
        left = [death]

        def die(self: Path, target: Path, left: list[int] = left) -> Path:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", die)
        host.run("release", name)
        monkeypatch.setattr(Path, "rename", rename)

        (row,) = host.rows()
        if row["in_doubt"]:
            assert host.run("release", name)[0] == 1, "a doubt is not resolved by itself"
        asked = list(host.mailboxes)
        assert host.run("release", name, "--again")[0] == 0
        assert set(host.mailboxes) == set(PAIR)
        doubt = [row["in_doubt"]] if row["in_doubt"] in asked else []
        assert sorted(host.mailboxes) == sorted([*PAIR, *doubt])
        assert host.rows() == []


def test_two_operators_do_not_release_the_same(host: Host) -> None:
    name = host.store()
    with Quarantine(host.directory).hold(name):
        for command in "release", "drop":
            code, text = host.run(command, name)
            assert code == 1
            assert "somebody else has it in hand" in text
    assert host.mailboxes == []
    assert host.run("release", name)[0] == 0


def test_many_at_once_and_one_failure_hinders_no_other(host: Host) -> None:
    one, two = host.store(), host.store()
    absent = "20260101T000000Z-none-00000000"
    code, text = host.run("drop", one, absent, two, "--json")
    assert code == 1
    assert [result.get("dropped") for result in json.loads(text)] == [True, None, True]
    assert list(host.directory.iterdir()) == []


def test_an_envelope_that_leads_nowhere_is_damaged_and_kept(host: Host) -> None:
    name = host.store(replace(ONWARD, recipients=()))
    code, text = host.run("release", name)
    assert code == 1
    assert "it names no mailbox" in text
    assert host.run("show", name, "--raw")[0] == 0
