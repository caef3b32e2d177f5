"""The milter protocol's bytes: packets and what is in them, and the answers that are made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.twinmx.mta import packet
from twinmx.milter import answers
from twinmx.milter.packets import ProtocolError, Splitter, client_of, macros_of


@given(
    st.lists(st.tuples(st.sampled_from([b"L", b"B", b"E"]), st.binary(max_size=40)), max_size=8), st.data()
)
def test_packets_are_the_same_however_the_stream_is_cut(
    packets: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(packet(letter, content) for letter, content in packets)
    splitter, start = Splitter(), 0
    found: list[tuple[bytes, bytes]] = []
    while start < len(stream):
        end = data.draw(st.integers(start + 1, len(stream)))
        found += splitter.feed(stream[start:end])
        start = end
    assert found == packets


@given(st.binary(max_size=60))
def test_odd_packets_are_a_protocol_error_or_nothing(data: bytes) -> None:
    client_of(data)
    try:
        macros_of(data)
        list(Splitter().feed(data))
    except ProtocolError:
        pass


@pytest.mark.parametrize(
    ("data", "client"),
    [
        (b"name\x004\x00\x19192.0.2.1\0", (b"name", b"192.0.2.1")),
        (b"name\x006\x00\x19IPv6:2001:db8::1\0", (b"name", b"2001:db8::1")),
        (b"name\x006\x00\x192001:db8::1\0", (b"name", b"2001:db8::1")),
        (b"local\x00L\x00\x00/run/socket\0", (b"local", b"")),
        (b"unknown\x00U", (b"unknown", b"")),
    ],
)
def test_clients_of_every_family(data: bytes, client: tuple[bytes, bytes]) -> None:
    assert client_of(data) == client


@pytest.mark.parametrize(
    "reply",
    ["250 2.0.0 ok", "550 4.2.1 mixed", "550 no code", "550 5.2.1 two\r\nlines", "550 5.2.1 é", "550 5.2.1 "],
)
def test_a_reply_that_an_mta_would_not_take_is_not_made(reply: str) -> None:
    with pytest.raises(ValueError, match="not a reply"):
        answers.refuse(reply)
