"""Messages as bytes of the wire, and what has become of them in the mailbox.

`EmailMessage` is of no use here: the tests are about bytes that no library would write.
"""

from lab.mailbox import Arrived
from lab.send import SENDER

PLAIN = b"Hello.\r\n"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
"""What every engine takes for spam: the generic test for unsolicited bulk e-mail."""


def letter(token: str, body: bytes = PLAIN, *fields: bytes, sender: str = SENDER) -> bytes:
    """A message with CRLF line ends that `lab.mailbox` finds by `token`; `fields` come first."""
    own = (
        f"From: {sender}".encode(),
        b"To: somebody@alias.example",
        f"Subject: {token}".encode(),
        f"Message-ID: <{token}@sender.example>".encode(),
        b"Date: Sun, 22 Nov 2026 03:00:00 +0000",
    )
    return b"".join(line + b"\r\n" for line in (*fields, *own, b"")) + body


def stored(content: bytes) -> bytes:
    """What a Maildir holds of bytes of the wire: each CRLF is a line feed there."""
    return content.replace(b"\r\n", b"\n")


def prepended(arrived: Arrived, sent: bytes) -> list[str]:
    """The names of the fields that were put in front; fails where the rest is not what was sent."""
    kept = stored(sent)
    assert arrived.content.endswith(kept), arrived.content[:4000]
    front = arrived.content.removesuffix(kept).decode()
    return [line.partition(":")[0] for line in front.splitlines() if not line.startswith(("\t", " "))]
