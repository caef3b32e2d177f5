"""Look where the letters of a run are: queues of all hosts, quarantines, mailboxes, senders' bounces.

The order of looking is the order of the way: a letter leaves a place only after the next one has it on
disk, so one that was missed in an earlier place is found in a later one. A queue file that Postfix moves
between directories at the moment of the listing can be overlooked; what is missing must be so repeatedly.
"""

import json
import os
import re
import shlex
import time
from collections.abc import Sequence
from email.parser import BytesHeaderParser
from pathlib import Path

from lab import ssh
from lab.hosts import MAILBOXES
from lab.ledger import Held, Seen, place_of
from lab.settings import LAB, OUTSIDE, SENDER_DOMAIN, LabHost
from lab.traffic import Sent
from lab.waiting import PAUSE

QUEUES = (
    ("inbound", LAB.hosts, "/etc/postfix"),
    ("out", LAB.hosts, "/etc/postfix-out"),
    ("", (OUTSIDE,), "/etc/postfix"),
)
QUARANTINE = "/var/lib/twinmx/quarantine"
MISSING_LOOKS = 5
"""In so many looks one after the other, with no queue holding it, a copy must be missing to be lost."""

QUARANTINED = """
import json, pathlib, sys
for item in pathlib.Path({directory!r}).glob("[0-9]*"):
    try:
        envelope = json.loads((item / "envelope.json").read_text())
    except OSError:
        continue
    if {run!r} in envelope["sender"]:
        print(json.dumps([envelope["sender"], [one["address"] for one in envelope["onward"]["recipients"]]]))
"""


class Places:
    """Where the letters of `run` can be. since: when it began, in seconds since 1970."""

    def __init__(self, run: str, since: float, mailboxes: Path = MAILBOXES) -> None:
        self._run = run
        self._ident = re.compile(rf"{run}-\d+")
        self._since = since - 1  # the clock of a file system is coarser than ours
        self._directory = mailboxes
        self._known: set[str] = set()
        self._seen = Seen()

    def look(self) -> Seen:
        """Everything that is found now; raises LabError where a host cannot be asked."""
        held: dict[str, list[Held]] = {}
        for name, hosts, config in QUEUES:
            for host in hosts:
                for ident, one in self._queued(host, f"{host.alias} {name}".strip(), config):
                    held.setdefault(ident, []).append(one)
        self._seen.held = held
        self._look_into_quarantines()
        self._look_into_mailboxes()
        return self._seen

    def _queued(self, host: LabHost, queue: str, config: str) -> list[tuple[str, Held]]:
        listed = ssh.on(host, f"postqueue -c {config} -j | grep {shlex.quote(self._run)} || true")
        return [found for line in listed.splitlines() for found in self.read_queued(queue, line)]

    def read_queued(self, queue: str, line: str) -> list[tuple[str, Held]]:
        """The letters of this run in one line of `postqueue -j`: its ident stands in sender or recipient."""
        entry = json.loads(line)
        return [
            (found[0], Held(queue, entry["queue_id"], recipient["address"]))
            for recipient in entry["recipients"]
            if (found := self._ident.search(f"{entry['sender']} {recipient['address']}"))
        ]

    def _look_into_quarantines(self) -> None:
        self._seen.quarantined.clear()
        program = QUARANTINED.format(directory=QUARANTINE, run=self._run)
        for host in LAB.hosts:
            for line in ssh.on(host, f"python3 -c {shlex.quote(program)}").splitlines():
                sender, mailboxes = json.loads(line)
                if found := self._ident.search(sender):
                    self._seen.quarantined.update((found[0], mailbox) for mailbox in mailboxes)

    def _look_into_mailboxes(self) -> None:
        for box in self._directory.glob("*/new"):
            with os.scandir(box) as entries:
                fresh = {
                    entry.path: entry.stat().st_mtime for entry in entries if entry.path not in self._known
                }
            for path, arrived in fresh.items():
                self._known.add(path)
                if arrived >= self._since:
                    self._file(Path(path), arrived)

    def _file(self, path: Path, arrived: float) -> None:
        with path.open("rb") as stream:
            headers = BytesHeaderParser().parse(stream)
        recipient = str(headers["Delivered-To"] or "")
        if recipient.endswith(f"@{SENDER_DOMAIN}"):
            if found := self._ident.match(recipient):
                self._seen.bounced.add(found[0])
        elif found := self._ident.search(str(headers["Message-ID"] or "")):
            self._seen.delivered.setdefault((found[0], recipient), []).append(arrived)


def _missing(letters: Sequence[Sent], seen: Seen) -> set[tuple[str, str]]:
    return {
        (sent.letter.ident, mailbox)
        for sent in letters
        if sent.accepted
        for mailbox in sent.address.mailboxes
        if place_of(sent, mailbox, seen) == "lost"
    }


def settle(letters: Sequence[Sent], places: Places, seconds: float) -> Seen:
    """Look until no queue holds a letter and each copy is found or really missing, at most `seconds`."""
    deadline = time.monotonic() + seconds
    missing_looks = 0
    while True:
        seen = places.look()
        missing = _missing(letters, seen)
        if not seen.held:
            missing_looks += 1
            if not missing or missing_looks >= MISSING_LOOKS:
                return seen
        else:
            missing_looks = 0
        if time.monotonic() >= deadline:
            return seen
        time.sleep(PAUSE)
