"""A quarantine on a host, the server behind it, and `mxctl quarantine`."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tests.unit.twinmx.forwarder_settings import forwarder_settings
from tests.unit.twinmx.peers import Sink
from twinmx.mxctl.main import app
from twinmx.quarantine import Quarantine
from twinmx.smtp.envelope import Envelope, Recipient

Serve = Callable[[Sink], Sink]
MESSAGE = b"X-Twinmx-Spam: engine=rspamd\r\nSubject: \x1b[2Jb\xfcy\r\n\r\n.dot\r\nlast\0\r\n"
PAIR = ("one@mailbox.example", "two@post.example")
ONWARD = Envelope(
    "SRS0=x@alias.example", (Recipient(PAIR[0], "FAILURE"), Recipient(PAIR[1])), body="8BITMIME"
)


@dataclass
class Host:
    """A quarantine, the server behind it, and the command."""

    directory: Path
    settings: Path
    sink: Sink

    def hands_on_to(self, port: int, *, seconds: float = 0.5) -> None:
        """Name the server behind it, and how long it may take."""
        self.settings.write_text(
            forwarder_settings(self.directory.parent, reinject_port=port, reinject_seconds=seconds)
        )

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
