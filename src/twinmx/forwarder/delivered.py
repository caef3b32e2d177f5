"""What some mailboxes of an alias have already got, of messages that the others have not.

One reply answers for all mailboxes behind an alias. Where one of them fails for now Postfix keeps the
message and comes again, with the same content, to any worker of any exchanger: it must then be sent to the
rest alone. A fingerprint is the name of an empty file, so all workers of a host see it, and it outlives a
restart; after a crash of the host the last ones may be gone, and with them the certainty that nothing is
sent twice. systemd-tmpfiles removes them when no queue can hold their messages any more.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from twinmx.smtp.commands import SYNTAX
from twinmx.smtp.envelope import Reply

VERB = "XDELIVERED"

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_REQUEUED = re.compile(
    rb"(?:Received: by [^\s()]+ \(Postfix, from userid [0-9]+\)\r\n\tid [0-9A-Za-z]+; [^\r\n]*\r\n)*"
)


class Delivered:
    """The fingerprints in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def knows(self, fingerprint: str) -> bool:
        """Whether this message has reached this mailbox; raises `OSError` where that cannot be found out."""
        try:
            (self._directory / fingerprint).lstat()
        except FileNotFoundError:
            return False
        return True

    def remember(self, fingerprints: Iterable[str]) -> None:
        """Keep fingerprints; raises `OSError`."""
        for fingerprint in fingerprints:
            (self._directory / fingerprint).touch(mode=0o600)

    def command(self, arguments: str) -> Reply:
        """Obey XDELIVERED, with which another exchanger tells us its fingerprints."""
        fingerprints = arguments.split()
        if not fingerprints or not all(map(_FINGERPRINT.fullmatch, fingerprints)):
            return SYNTAX
        try:
            self.remember(fingerprints)
        except OSError as error:
            return Reply(451, "4.3.0", f"cannot be kept: {error.strerror}")
        return Reply(250, "2.0.0", "ok")


def fingerprints(message: bytes, recipient: str, mailboxes: Iterable[str]) -> list[str]:
    """Return what identifies a message on its way through the alias `recipient` to each of `mailboxes`.

    `message` is as it came from Postfix, whose Received field on top tells equal letters apart, but without
    the gate's verdict: `postsuper -r` drops that, and has pickup(8) put a field of its own in front, which
    is passed over. Nobody outside can write one there: the field of the session is above what he sends.
    """
    fields = _REQUEUED.match(message)
    whole = sha256(memoryview(message)[fields.end() if fields else 0 :]).digest()
    return [sha256(whole + f"{recipient}\0{mailbox}".encode()).hexdigest() for mailbox in mailboxes]
