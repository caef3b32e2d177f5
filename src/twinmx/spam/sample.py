"""What an engine is given: the message made harmless to read.

SpamAssassin reads line by line, and a message without a final newline made it wait for ever
(August 2020, reproduced on 4.0.1). Every engine gets the same normalised bytes.
"""

import re
from dataclasses import dataclass

_HEADER_END = re.compile(rb"\A\r?\n|\n\r?\n")


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes to scan; `partial` where they are only the head of the message."""

    data: bytes
    partial: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What the message does not say itself; empty where not known. `sender` is empty when null.

    `received`: finished header fields (CRLF) that the message will get in front of it, for an engine that
    reads the trace from the message. A milter sees a message without the Received field of its own MTA.
    """

    sender: str = ""
    recipients: tuple[str, ...] = ()
    client_address: str = ""
    client_name: str = ""
    helo: str = ""
    queue_id: str = ""
    received: bytes = b""


def normalise(message: bytes, max_bytes: int) -> Sample:
    """Cut to the first `max_bytes`, remove NUL, end the header and the last line.

    A header that nothing follows (no body, or the cut fell into it) looks broken to Rspamd without the
    empty line after it, which costs such a message more than the usual score of spam.
    """
    data = message[:max_bytes].replace(b"\0", b"")
    if data.endswith(b"\r"):
        data += b"\n"
    elif not data.endswith(b"\n"):
        data += b"\r\n"
    if not _HEADER_END.search(data):
        data += b"\r\n"
    return Sample(data, partial=len(message) > max_bytes)
