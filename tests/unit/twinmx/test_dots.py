"""The end of a message and its dots, on bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinmx.smtp.dots import DataReader, stuff

LINES = st.lists(
    st.sampled_from(
        [b".", b"..", b"\r\n", b"\r", b"\n", b"a", b"\x00", b"\xff", b".\r\n", b"\n.\n", b"\r.\r"]
    )
).map(b"".join)


def read(wire: bytes, *, limit: int = 1 << 20, step: int | None = None) -> tuple[bytes | None, bytes]:
    reader = DataReader(limit)
    step = step or len(wire)
    for start in range(0, len(wire), step):
        rest = reader.feed(wire[start : start + step])
        if rest is not None:
            return reader.message(), rest + wire[start + step :]
    raise AssertionError("the end was not seen")


@given(LINES, st.integers(1, 7))
def test_what_is_stuffed_comes_back_in_any_pieces(message: bytes, step: int) -> None:
    whole = message if not message or message.endswith(b"\r\n") else message + b"\r\n"
    assert read(stuff(message) + b"QUIT\r\n", step=step) == (whole, b"QUIT\r\n")


@pytest.mark.parametrize(
    "ending",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\n\n.\r\n",
        b"\r\n.\r\r\n",
        b"\r\n\x00.\r\n",
    ],
)
def test_only_crlf_dot_crlf_ends_a_message(ending: bytes) -> None:
    smuggled = b"one" + ending + b"MAIL FROM:<evil@sender.example>\r\n"
    message, rest = read(smuggled + b".\r\n")
    assert rest == b""
    assert message is not None
    assert b"MAIL FROM:<evil@sender.example>\r\n" in message


def test_dots_are_removed_at_line_starts_only() -> None:
    assert read(b"..a\r\n.b\r\nc..\r\n\n.d\r\n.\r\n")[0] == b".a\r\nb\r\nc..\r\n\n.d\r\n"


def test_an_empty_message() -> None:
    assert read(b".\r\nNOOP\r\n") == (b"", b"NOOP\r\n")
    assert stuff(b"") == b".\r\n"


@pytest.mark.parametrize(("size", "accepted"), [(99, True), (100, True), (101, False), (5000, False)])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_the_limit_counts_bytes_of_the_message(size: int, step: int, *, accepted: bool) -> None:
    message = (b".\r\n" * size)[: size - 2] + b"\r\n"
    received, rest = read(stuff(message) + b"NOOP\r\n", limit=100, step=step)
    assert received == (message if accepted else None)
    assert rest == b"NOOP\r\n"


def test_a_refused_message_does_not_pile_up() -> None:
    reader = DataReader(1000)
    for _ in range(1000):
        assert reader.feed(b"x" * 1000) is None
    assert len(reader._buffer) < 3000
    assert reader.feed(b"\r\n.\r\n") == b""
    assert reader.message() is None
