"""`mxctl quarantine`, with an independent SMTP server as postfix-out: every copy once, and none lost."""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.twinmx.peers import Sink
from twinmx.mxctl.main import app
from twinmx.quarantine import Quarantine
from twinmx.smtp.envelope import Envelope, Recipient

MESSAGE = b"X-Twinmx-Spam: engine=rspamd\r\nSubject: \x1b[2Jb\xfcy\r\n\r\n.dot\r\nlast\0\r\n"
PAIR = ("one@mailbox.example", "two@post.example")
ONWARD = Envelope(
    "SRS0=x@alias.example", (Recipient(PAIR[0], "FAILURE"), Recipient(PAIR[1])), body="8BITMIME"
)
SETTINGS = """
host = "mx1.alias.example"
listen = {{addresses = ["127.0.0.1"], port = 1, clients = ["127.0.0.1/32"], max_message_size = 65536, \
max_bytes_in_hand = 65536, \
max_connections = 1, idle_seconds = 1}}
metrics = {{address = "127.0.0.1", port_base = 1}}
reinject = {{address = "127.0.0.1", port = {port}, connections = 1, seconds = {seconds}}}
aliases = {{snapshot = "/nowhere"}}
srs = {{max_age_days = 1, socketmap_port = 1, domains = ["alias.example"]}}
peers = {{addresses = [], seconds = 1}}
quarantine = {{directory = "{directory}"}}
delivered = {{directory = "/nowhere"}}
deadline = {{total_seconds = 30, postfix_seconds = 60}}
[spam]
engines = []
total_seconds = 1
reject_score = 15
max_scan_bytes = 65536
"""


@dataclass
class Host:
    """A quarantine, the server behind it, and the command."""

    directory: Path
    settings: Path
    sink: Sink

    def store(self, onward: Envelope = ONWARD, *, at: float = 1_800_000_000.0) -> str:
        record = {
            "quarantined_at": at,
            "sender": "spammer@sender.example",
            "recipient": "pair@alias.example",
            "account": "ada",
            "verdict": {"engine": "rspamd", "score": 20.5, "symbols": ["GTUBE"], "seconds": 0.1},
            "onward": asdict(onward),
        }
        return Quarantine(self.directory).store(MESSAGE, record, "4bXyZ")

    def run(self, *arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["quarantine", "--settings", str(self.settings), *arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.run("list", "--json", *arguments)[1])
        return rows

    @property
    def mailboxes(self) -> list[str]:
        return [to for envelope in self.sink.accepted for to in envelope.rcpt_tos]


Serve = Callable[..., Sink]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a sink on a loop of its own: the command has one as well."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    sinks: list[Sink] = []

    def start(sink: Sink) -> Sink:
        asyncio.run_coroutine_threadsafe(sink.start(), loop).result(10)
        sinks.append(sink)
        return sink

    yield start
    for sink in sinks:
        asyncio.run_coroutine_threadsafe(sink.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def host(tmp_path: Path, serve: Serve) -> Host:
    directory = tmp_path / "quarantine"
    directory.mkdir()
    sink = serve(Sink())
    settings = tmp_path / "forwarder.toml"
    settings.write_text(SETTINGS.format(port=sink.port, seconds=0.5, directory=directory))
    return Host(directory, settings, sink)


def test_a_list_says_what_waits_and_for_whom(host: Host) -> None:
    name = host.store()
    (row,) = host.rows()
    assert row["name"] == name
    assert (row["alias"], row["account"], row["sender"]) == (
        "pair@alias.example",
        "ada",
        "spammer@sender.example",
    )
    assert (row["engine"], row["score"], row["size"]) == ("rspamd", 20.5, len(MESSAGE))
    assert row["quarantined_at"] == "2027-01-15T08:00:00+00:00"
    code, text = host.run("list")
    assert code == 0
    assert name in text


def test_only_the_older_ones_on_request(host: Host) -> None:
    old = host.store(at=1_000_000_000)
    host.store(at=4_000_000_000)
    assert [row["name"] for row in host.rows("--older", "7d")] == [old]
    code, text = host.run("list", "--older", "a week")
    assert code == 2
    assert "as in 30m or 7d" in text


def test_a_damaged_item_is_told_and_hides_no_other(host: Host) -> None:
    bad, good = host.store(), host.store()
    (host.directory / bad / "envelope.json").write_text('{"quarantined_at": "never"}')
    code, text = host.run("list")
    assert code == 1
    assert good in text
    assert f"{bad}: quarantined_at: " in text


def test_a_message_is_shown_without_steering_the_terminal(host: Host) -> None:
    name = host.store()
    assert "account:        ada" in host.run("show", name)[1]
    header = host.run("show", name, "--headers")[1]
    assert "Subject: \ufffd[2Jb\ufffdy" in header
    assert ".dot" not in header


def test_raw_is_byte_for_byte(host: Host) -> None:
    name = host.store()
    result = CliRunner().invoke(app, ["quarantine", "--settings", str(host.settings), "show", name, "--raw"])
    assert result.stdout_bytes == MESSAGE


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
    host.settings.write_text(SETTINGS.format(port=1, seconds=0.5, directory=host.directory))
    code, text = host.run("release", name)
    assert code == 1
    assert "Connect call failed" in text
    (row,) = host.rows()
    assert row["in_doubt"] is None
    assert "Connect call failed" in row["last_refusal"]


class Dumb(Sink):
    """Accepts the message and never says so."""

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(30)
        return self.final


def test_a_lost_answer_is_a_doubt_that_only_an_operator_resolves(host: Host, serve: Serve) -> None:
    dumb = serve(Dumb())
    name = host.store()
    good = host.settings.read_text()
    host.settings.write_text(SETTINGS.format(port=dumb.port, seconds=0.2, directory=host.directory))
    code, text = host.run("release", name)
    assert code == 1
    assert "may have been accepted" in text
    host.settings.write_text(good)

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


@pytest.mark.parametrize("name", ["", "..", "/etc", "20260101T000000Z-none-00000000"])
@pytest.mark.parametrize("command", ["show", "release", "drop"])
def test_what_is_not_there_is_refused(host: Host, command: str, name: str) -> None:
    assert host.run(command, name)[0] == 1


def test_an_envelope_that_leads_nowhere_is_damaged_and_kept(host: Host) -> None:
    name = host.store(replace(ONWARD, recipients=()))
    code, text = host.run("release", name)
    assert code == 1
    assert "it names no mailbox" in text
    assert host.run("show", name, "--raw")[0] == 0


@pytest.mark.parametrize("arguments", [["list", "--soon"], ["release"], ["show", "x", "--raw", "--headers"]])
def test_usage_is_2(host: Host, arguments: Sequence[str]) -> None:
    assert host.run(*arguments)[0] == 2


def test_settings_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["quarantine", "--settings", str(tmp_path / "none"), "list"])
    assert result.exit_code == 1
    assert f"{tmp_path}{os.sep}none" in result.output
