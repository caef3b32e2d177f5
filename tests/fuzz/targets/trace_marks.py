"""The trace of a message: queue id and loops are read from any header, and forged marks are none."""

from twinmx.forwarder.routing import Route
from twinmx.forwarder.trace import MAX_RECEIVED, Trace, queue_id
from twinmx.smtp.envelope import Envelope, Origin, Recipient

TRACE = Trace("mx1.alias.example", [b"k" * 32])
ROUTE = Route("hello@alias.example", "SRS0=x@alias.example", ("a@mailbox.example",))
ENVELOPE = Envelope("a@b.example", (Recipient("hello@alias.example"),), helo="x", peer="127.0.0.1")
MARKS = b"".join(TRACE.marks(ENVELOPE, ROUTE, "4bXyZ"))
SEEDS = (
    MARKS + b"\r\nbody",
    b"Received: from x\r\n\tby mx1 (Postfix) with ESMTP id 4bXyZ\r\n\r\n",
    b"X-Twinmx-Trace: <hello@alias.example> by mx id 4b mark aaaaaaaa\r\n\r\n",
)
TOKENS = (b"X-Twinmx-Trace:", b"Received:", b" mark ", b"(Postfix)", b" id ", b"\r\n", MARKS)


def one_input(data: bytes) -> None:
    """Only our own mark, or too many hops, make a loop."""
    ident = queue_id(ENVELOPE, data)
    assert ident.isascii()
    assert 1 <= len(ident) <= 40
    assert ident == "none" or ident.encode() in data
    assert queue_id(Envelope("", (), origin=Origin(ident="abc")), data) == "abc"
    reason = TRACE.loop(data, ROUTE)
    if reason and "hops" not in reason:
        assert b"mark" in data
        assert Trace("mx1.alias.example", [b"o" * 32]).loop(data, ROUTE) is None
    if reason and "hops" in reason:
        assert data.lower().count(b"received") > MAX_RECEIVED
