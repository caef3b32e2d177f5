"""Read the mailboxes of the outside world, straight from the Maildirs it delivers into.

A message is looked for by a token in its Subject or Message-ID; each test draws its own (`new_token`), so
that tests can run at the same time and old mail disturbs nobody.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from functools import cached_property
from pathlib import Path

from lab.hops import Hop, hops_of
from lab.hosts import MAILBOXES
from lab.waiting import until

SECONDS = 60.0


def new_token() -> str:
    """A text that stands in no other message."""
    return f"token-{uuid.uuid4().hex}"


@dataclass(frozen=True)
class Arrived:
    """One delivered message.

    recipient: the envelope recipient of the last hop. time: when it was written, in seconds since 1970.
    """

    path: Path
    recipient: str
    sender: str
    subject: str
    message_id: str
    time: float

    @cached_property
    def content(self) -> bytes:
        """The message as it was delivered, with the provider's own fields in front."""
        return self.path.read_bytes()

    @property
    def hops(self) -> tuple[Hop, ...]:
        """Its way, first hop first."""
        return hops_of(self.content)

    def field(self, name: str) -> str | None:
        """The text of its first header field `name`, or None without one."""
        headers = BytesHeaderParser().parsebytes(self.content)
        return _decoded(headers, name) if name in headers else None

    @property
    def body(self) -> bytes:
        """Everything below the header."""
        return self.content.partition(b"\n\n")[2]


def _decoded(headers: Message, name: str) -> str:
    """A header field as text: unfolded, UTF-8 (RFC 6532) and encoded words (RFC 2047) read."""
    raw = next((value for key, value in headers.raw_items() if key.lower() == name.lower()), "")
    text = " ".join(str(raw).encode("ascii", "surrogateescape").decode(errors="replace").split())
    parts = (
        part.decode(charset or "raw-unicode-escape", "replace") if isinstance(part, bytes) else part
        for part, charset in decode_header(text)
    )
    return "".join(parts)


def _read(path: Path) -> Arrived:
    with path.open("rb") as stream:
        headers = BytesHeaderParser().parse(stream)
    return Arrived(
        path=path,
        recipient=_decoded(headers, "Delivered-To"),
        sender=_decoded(headers, "Return-Path").strip("<>"),
        subject=_decoded(headers, "Subject"),
        message_id=_decoded(headers, "Message-ID"),
        time=path.stat().st_mtime,
    )


class Mailboxes:
    """All mailboxes outside. Each file is read once, however often it is looked for."""

    def __init__(self, directory: Path = MAILBOXES) -> None:
        self._directory = directory
        self._known: dict[Path, Arrived] = {}

    def _refresh(self) -> None:
        for path in self._directory.glob("*/new/*"):
            if path not in self._known:
                self._known[path] = _read(path)

    def find(self, token: str, recipient: str | None = None) -> tuple[Arrived, ...]:
        """What has arrived with `token` (for `recipient` alone, if given), the oldest first."""
        self._refresh()
        return tuple(sorted(self._matching(token, recipient), key=lambda arrived: arrived.time))

    def _matching(self, token: str, recipient: str | None) -> Iterator[Arrived]:
        for arrived in self._known.values():
            named = token in arrived.subject or token in arrived.message_id
            if named and recipient in (None, arrived.recipient):
                yield arrived

    def wait(self, token: str, recipient: str | None = None, seconds: float = SECONDS) -> Arrived:
        """The first message with `token`; raises LabError when none has come within `seconds`."""
        what = f"a message with {token}" + (f" for {recipient}" if recipient else "")
        return until(lambda: self.find(token, recipient), seconds, what)[0]

    def wait_for(
        self, count: int, token: str, recipient: str | None = None, seconds: float = SECONDS
    ) -> tuple[Arrived, ...]:
        """At least `count` messages with `token`; raises LabError as `wait` does."""

        def enough() -> tuple[Arrived, ...]:
            found = self.find(token, recipient)
            return found if len(found) >= count else ()

        return until(enough, seconds, f"{count} messages with {token}")
