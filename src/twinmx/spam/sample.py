"""What an engine is given: the message made harmless to read.

SpamAssassin reads line by line, and a message without a final newline made it wait for ever
(August 2020, reproduced on 4.0.1). Every engine gets the same normalised bytes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes to scan; `partial` where they are only the head of the message."""

    data: bytes
    partial: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What the message does not say itself; empty where not known. `sender` is empty when null."""

    sender: str = ""
    recipients: tuple[str, ...] = ()
    client_address: str = ""
    client_name: str = ""
    helo: str = ""
    queue_id: str = ""


def normalise(message: bytes, max_bytes: int) -> Sample:
    """Cut to the first `max_bytes`, remove NUL, and end with a newline."""
    data = message[:max_bytes].replace(b"\0", b"")
    if data.endswith(b"\r"):
        data += b"\n"
    elif not data.endswith(b"\n"):
        data += b"\r\n"
    return Sample(data, partial=len(message) > max_bytes)
