"""SpamAssassin's spamd (protocol: spamd/PROTOCOL in its distribution).

Written here since the packaged client for it builds a TLS context for each request (20 ms of CPU)
and leaves its socket open when a scan is cancelled. The request has the exact length, ends with a
newline, and is followed by the end of the sending side, or spamd may wait for more: see `sample`.
"""

import asyncio
import re

from twinmx.spam.engine import Answer, EngineError
from twinmx.spam.sample import Context, Sample

_MAX_ANSWER = 1 << 16
_STATUS = re.compile(rb"SPAMD/[0-9.]+ ([0-9]+) ([^\r\n]*)\r\n")
_SPAM = re.compile(
    rb"^Spam: *(?:True|False|Yes|No) *; *(-?[0-9]{1,9}(?:\.[0-9]{1,9})?) */", re.IGNORECASE | re.MULTILINE
)
_PATH = re.compile(r"[!-;=?-~]{1,320}")


class SpamAssassinEngine:
    """A spamd at a TCP address; one connection a scan, as the protocol wants it."""

    name = "spamassassin"

    def __init__(self, *, budget_seconds: float, address: str, port: int) -> None:
        self.budget_seconds = budget_seconds
        self._address = address
        self._port = port

    async def scan(self, sample: Sample, context: Context) -> Answer:
        """Ask spamd for score and symbols."""
        try:
            reader, writer = await asyncio.open_connection(self._address, self._port)
        except OSError as error:
            raise EngineError("refused", str(error)) from error
        try:
            writer.write(_request(sample, context))
            writer.write_eof()
            return _answer(await _read(reader))
        except OSError as error:
            raise EngineError("error", str(error)) from error
        finally:
            writer.transport.abort()

    async def close(self) -> None:
        """Nothing is kept open."""


def _request(sample: Sample, context: Context) -> bytes:
    data = b"".join((_return_path(context.sender), context.received, sample.data))
    return b"SYMBOLS SPAMC/1.5\r\nContent-length: %d\r\n\r\n%b" % (len(data), data)


def _return_path(sender: str) -> bytes:
    """The envelope sender, where SpamAssassin's SPF check looks for it."""
    if sender and not _PATH.fullmatch(sender):
        return b""
    return f"Return-Path: <{sender}>\r\n".encode()


async def _read(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    while chunk := await reader.read(_MAX_ANSWER):
        answer += chunk
        if len(answer) > _MAX_ANSWER:
            raise EngineError("garbage", "an answer without end")
    return answer


def _answer(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    status = _STATUS.match(head + b"\r\n")
    if status is None:
        raise EngineError("garbage", f"not an answer of spamd: {data[:80]!r}")
    if status[1] != b"0":
        raise EngineError("error", f"spamd says {status[1].decode()} {status[2][:80]!r}")
    spam = _SPAM.search(head)
    if spam is None:
        raise EngineError("garbage", f"no score in {head[:200]!r}")
    symbols = body.decode("ascii", "replace").strip()
    return Answer(float(spam[1]), [name for name in symbols.split(",") if name])
