"""Send mail into the lab: through the outside MTA as a real sender, or by hand to an exchanger's port 25."""

import re
import smtplib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Self

from lab.errors import LabError
from lab.settings import CONTROLLER_NAME, OUTSIDE, SENDER_DOMAIN, SUBMISSION_PORT, LabHost

SENDER = f"sender@{SENDER_DOMAIN}"
QUEUED = re.compile(rb"queued as (\w+)")
SMTP_OK = 250
SECONDS = 60.0


@dataclass(frozen=True)
class Submitted:
    """A message that the outside MTA has taken. `time`: seconds since 1970."""

    queue_id: str
    time: float


def message(token: str, recipient: str, *, sender: str = SENDER, body: str = "Hello.\n") -> EmailMessage:
    """A plain message which `lab.mailbox` finds by `token`."""
    made = EmailMessage()
    made["From"] = sender
    made["To"] = recipient
    made["Subject"] = f"A message of the lab, {token}"
    made["Message-ID"] = f"<{token}@{SENDER_DOMAIN}>"
    made.set_content(body)
    return made


def _options(session: smtplib.SMTP, content: bytes, addresses: Sequence[str]) -> list[str]:
    header = content.partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]
    utf8 = not (header.isascii() and all(address.isascii() for address in addresses))
    eight_bit = not content.isascii()
    options = ["BODY=8BITMIME"] if eight_bit else []
    return [*options, "SMTPUTF8"] if utf8 and session.has_extn("smtputf8") else options


def submit(
    content: bytes | EmailMessage,
    recipients: Sequence[str],
    *,
    sender: str = SENDER,
    through: LabHost | None = None,
) -> Submitted:
    """Give a message to the outside MTA, which sends it on by MX, or `through` one exchanger.

    sender: the envelope sender, empty for a bounce. Raises LabError with the reply when it is refused.
    """
    port = SUBMISSION_PORT if through is None else through.route_port
    if port is None:
        raise LabError(f"nothing can be sent through {through and through.alias}")
    data = content if isinstance(content, bytes) else content.as_bytes()
    try:
        return _submit(data, recipients, sender, port)
    except (OSError, smtplib.SMTPException) as error:
        raise LabError(
            f"the outside MTA does not take mail on {OUTSIDE.address} port {port}: {error}",
            "`make up` starts and converges it",
        ) from error


def _submit(data: bytes, recipients: Sequence[str], sender: str, port: int) -> Submitted:
    started = time.time()
    with smtplib.SMTP(str(OUTSIDE.address), port, local_hostname=CONTROLLER_NAME, timeout=SECONDS) as session:
        session.command_encoding = "utf-8"
        session.ehlo()
        replies = [session.mail(sender, _options(session, data, [sender, *recipients]))]
        replies += [session.rcpt(recipient) for recipient in recipients]
        for code, text in replies:
            if code != SMTP_OK:
                raise LabError(f"the outside MTA refused: {code} {text.decode(errors='replace')}")
        code, text = session.data(data)
    queued = QUEUED.search(text)
    if code != SMTP_OK or queued is None:
        raise LabError(f"the outside MTA did not queue: {code} {text.decode(errors='replace')}")
    return Submitted(queued.group(1).decode(), started)


@dataclass(frozen=True)
class Reply:
    """An SMTP reply: the code, and the text of its lines."""

    code: int
    text: str


class Session:
    """A bare SMTP session, for what a well-behaved client would not say.

    Use as a context manager; the greeting is in `greeting`. Bytes leave exactly as they are given.
    """

    def __init__(self, host: LabHost, port: int = 25, seconds: float = SECONDS) -> None:
        self._socket = socket.create_connection((str(host.address), port), timeout=seconds)
        self._stream = self._socket.makefile("rb")
        self.greeting = self.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.close()
        self._socket.close()

    def write(self, data: bytes) -> None:
        """Send `data` and wait for nothing."""
        self._socket.sendall(data)

    def read(self) -> Reply:
        """The next reply (RFC 5321, 4.2.1); raises LabError when the peer has hung up."""
        texts = []
        while True:
            line = self._stream.readline()
            if not line:
                raise LabError("the peer closed the connection instead of replying")
            texts.append(line[4:].decode(errors="replace").rstrip("\r\n"))
            if line[3:4] != b"-":
                return Reply(int(line[:3]), "\n".join(texts))

    def say(self, line: str) -> Reply:
        """Send one command line (UTF-8, CRLF is added) and return its reply."""
        self.write(line.encode() + b"\r\n")
        return self.read()
