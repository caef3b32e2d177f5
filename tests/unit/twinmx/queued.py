"""Postfix as far as its queues and its log go: `postqueue` and `journalctl` as scripts on the PATH.

A queue is a folder with a file for each message, which holds its line of `postqueue -j`.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from twinmx.aliases.model import Alias
from twinmx.aliases.update import build_snapshot

POSTQUEUE = """#!/bin/sh
# -c DIRECTORY -j | -i ID
directory=$2
if [ -e "$directory/down" ]; then
  echo "postqueue: fatal: Queue report unavailable - mail system is down" >&2; exit 69
fi
if [ -e "$directory/hangs" ]; then echo $$ >"$directory/pid"; exec sleep 60; fi
case $3 in
-j) cat "$directory"/queue/* 2>/dev/null; exit 0 ;;
-i) echo "$4" >>"$directory/asked"
  if [ -e "$directory/down-after-asking" ]; then echo "postqueue: fatal: no flush service" >&2; exit 69; fi
  case $(cat "$directory/outcome") in
  sent) rm -f "$directory/queue/$4" ;;
  active) sed -i 's/"deferred"/"active"/' "$directory/queue/$4" ;;
  hold) sed -i 's/"deferred"/"hold"/' "$directory/queue/$4" ;;
  esac ;;
esac
"""

SETTINGS = """
[instances.in]
config_directory = "{base}/in"
queue_directory = "{base}/in/queue"
syslog_name = "postfix"
[instances.out]
config_directory = "{base}/out"
queue_directory = "{base}/out/queue"
syslog_name = "postfix-out"
[timing]
interval_seconds = 0.05
read_seconds = 5
[log]
ignore = ["canary-mx1@alias.example", "canary@mx1.canary.invalid"]
[aliases]
snapshot = "{base}/aliases.lmdb"
[metrics]
address = "127.0.0.1"
port_base = {port_base}
"""

ALIASES = (
    Alias("news@alias.example", ("ada@mailbox.example", "bob@post.example"), None),
    Alias("shop@alias.example", ("eve@mailbox.example",), "eve"),
    Alias("toys@alias.example", ("eve@mailbox.example",), "eve"),
)

REFUSED = "connect to 127.0.0.1[127.0.0.1]:20381: Connection refused"
GREYLISTED = (
    "host mx.mailbox.example[198.51.100.10] said: 450 4.2.0 <x>: Recipient address rejected: Greylisted"
    " (in reply to RCPT TO command)"
)


def line(
    identifier: str,
    *addresses: str,
    queue: str = "deferred",
    age: float = 0,
    reason: str | None = None,
    sender: str = "a@sender.example",
) -> str:
    """A message as showq_json() of Postfix's source writes it."""
    recipients: list[dict[str, Any]] = [{"address": address} for address in addresses]
    if reason:
        for recipient in recipients:
            recipient["delay_reason"] = reason
    fields = {
        "queue_name": queue,
        "queue_id": identifier,
        "arrival_time": int(time.time() - age),
        "message_size": 269,
        "forced_expire": False,
        "sender": sender,
        "recipients": recipients,
    }
    return json.dumps(fields) + "\n"


class Queued:
    """Two instances, their settings, and the aliases of the host, below `base`."""

    def __init__(self, base: Path, port_base: int = 1) -> None:
        self.base = base
        self.programs = base / "bin"
        self.programs.mkdir()
        self.program("postqueue", POSTQUEUE)
        for name in ("in", "out"):
            (base / name / "queue").mkdir(parents=True)
            (base / name / "asked").touch()
            (base / name / "outcome").write_text("sent")
        self.settings = base / "queues.toml"
        self.settings.write_text(SETTINGS.format(base=base, port_base=port_base))
        build_snapshot(ALIASES, base / "aliases.lmdb")

    @property
    def path(self) -> str:
        """PATH with these programs first."""
        return f"{self.programs}{os.pathsep}{os.environ['PATH']}"

    def program(self, name: str, text: str) -> None:
        """Have a script."""
        file = self.programs / name
        file.write_text(text)
        file.chmod(0o755)

    def hold(self, name: str, identifier: str, *addresses: str, **facts: Any) -> None:
        """Put a message into instance `name`."""
        (self.base / name / "queue" / identifier).write_text(line(identifier, *addresses, **facts))

    def mark(self, name: str, what: str) -> None:
        """Have instance `name` be `down` or the like."""
        (self.base / name / what).touch()

    def outcome(self, name: str, what: str) -> None:
        """Have attempts end as `what`: sent, deferred, active or hold."""
        (self.base / name / "outcome").write_text(what)

    def asked(self, name: str) -> list[str]:
        """The messages for which an attempt was asked for."""
        return (self.base / name / "asked").read_text().split()
