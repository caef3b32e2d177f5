"""The message itself: an ordinary letter, or one that every spam engine is made to know as spam."""

from datetime import UTC, datetime
from email.utils import format_datetime

from twinmx import headers
from twinmx.canary.token import HEADER, Signer, Token

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
"""Generic Test for Unsolicited Bulk Email (spamassassin.apache.org/gtube): spam to each engine."""

_HAM = (
    "This message was sent by a mail exchanger to itself, to see how long mail takes.",
    "Nobody needs to read it.",
)


def compose(token: Token, signer: Signer, *, host: str, alias: str, mailbox: str) -> bytes:
    """Return the message for `token`, with CRLF line ends: from `mailbox` to `alias`, sent by `host`.

    Whole and unremarkable, so that an engine finds next to nothing in it. The domain of the mailbox has no
    DMARC policy to break; that of a served domain would cost it points (2 of Rspamd's).
    """
    fields = (
        ("Date", format_datetime(datetime.now(UTC))),
        ("From", f"twinmx canary <{mailbox}>"),
        ("To", f"<{alias}>"),
        ("Message-ID", f"<canary.{token.nonce}@{host}>"),
        ("Subject", f"Canary of {token.home} through {token.via}"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=us-ascii"),
        (HEADER, signer.write(token)),
    )
    head = b"".join(headers.field(name, value) for name, value in fields)
    body = (GTUBE,) if token.letter == "gtube" else _HAM
    return head + b"\r\n" + "".join(f"{line}\r\n" for line in body).encode()
