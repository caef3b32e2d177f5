"""Header work on bytes: what changes, and that nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinmx import headers

NAME = "X-Twinmx-Spam"


@pytest.mark.parametrize(
    ("message", "stripped"),
    [
        (b"X-Twinmx-Spam: a\r\nTo: b\r\n\r\nx", b"To: b\r\n\r\nx"),
        (b"To: b\r\nx-twinmx-SPAM: a\r\n\tfolded\r\n more\r\nCc: c\r\n\r\nx", b"To: b\r\nCc: c\r\n\r\nx"),
        (b"To: b\r\nX-Twinmx-Spam-Score: 1\r\nX-Twinmx-Spam : 2\r\n\r\nx", b"To: b\r\n\r\nx"),
        (b"To: b\r\nX-Twinmx-Spam: a\r\n", b"To: b\r\n"),
        (b"To: b\r\nX-Twinmx-Spam: a", b"To: b\r\n"),
        (b"X-Twinmx-Spam: a\nTo: b\r\n\r\nx", b"To: b\r\n\r\nx"),
        (b"To: b\nX-Twinmx-Spam: a\r\n\r\nx", b"To: b\n\r\n\r\nx"),
        (b"To: b\rX-Twinmx-Spam: a\r\n\r\nx", b"To: b\r\r\n\r\nx"),
        (b"To: b\n\nX-Twinmx-Spam: a\r\nCc: c\r\n\r\nx", b"To: b\n\n\r\nCc: c\r\n\r\nx"),
    ],
)
def test_forged_fields_go(message: bytes, stripped: bytes) -> None:
    assert headers.strip(message, NAME) == stripped


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\r\nX-Twinmx-Spam: a\r\n",
        b"To: b\r\n\r\nX-Twinmx-Spam: in the body\r\n",
        b"To: X-Twinmx-Spam: a\r\n\r\n",
        b"To: b\r\n X-Twinmx-Spam: folded into To\r\n\r\n",
        b"To: b\r\nX-Twinmx-Spam no colon\r\n\r\n",
        b"XX-Twinmx-Spam: a\r\n\r\n",
    ],
)
def test_everything_else_stays(message: bytes) -> None:
    assert headers.strip(message, NAME) == message


FIELD = st.from_regex(
    rb"[A-Wa-w][A-Za-z-]{0,10}: [ -~\x80-\xff]{0,30}(\r\n[ \t][ -~]{1,20}){0,2}", fullmatch=True
)
FORGED = st.from_regex(
    rb"(?i:x-twinmx-spam)[a-z-]{0,5}: [ -~]{0,30}(\r\n[ \t][ -~]{1,20}){0,2}", fullmatch=True
)


@given(st.lists(st.one_of(FIELD.map(lambda f: (f, True)), FORGED.map(lambda f: (f, False)))), st.binary())
def test_only_the_forged_fields_change(fields: list[tuple[bytes, bool]], body: bytes) -> None:
    message = b"".join(field + b"\r\n" for field, _ in fields) + b"\r\n" + body
    kept = b"".join(field + b"\r\n" for field, keep in fields if keep) + b"\r\n" + body
    assert headers.strip(message, NAME) == kept


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    headers.count_received(data)
    headers.values(data, "To")
    assert data.endswith(headers.strip(data, "X-Absent"))


@given(st.lists(st.sampled_from([b"X-Twinmx-Spam: a", b"\r", b"\n", b"\r\n", b" ", b"To: x", b":"])))
def test_no_reading_of_line_ends_leaves_a_forged_field(pieces: list[bytes]) -> None:
    stripped = headers.strip(b"".join(pieces), NAME)
    strict, _, _ = stripped.partition(b"\r\n\r\n")
    if stripped.startswith(b"\r\n"):
        return
    for line in strict.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        assert not line.startswith(b"X-Twinmx-Spam: a")


def test_received_is_counted_in_the_header_only() -> None:
    message = b"Received: a\r\nRECEIVED : b\r\n by c\r\nX-Received: no\r\n\r\nReceived: body\r\n"
    assert headers.count_received(message) == 2


def test_values_are_unfolded_from_the_top_down() -> None:
    message = b"X-T: one\r\n\ttwo\r\nTo: b\r\nx-t:three\r\n\r\nX-T: four\r\n"
    assert headers.values(message, "X-T") == [b"one two", b"three"]


def test_a_field_is_folded_with_a_tab() -> None:
    assert headers.field("X-A", "one", "two") == b"X-A: one\r\n\ttwo\r\n"
    assert headers.prepend(b"To: b\r\n\r\n", [b"A: 1\r\n", b"B: 2\r\n"]) == b"A: 1\r\nB: 2\r\nTo: b\r\n\r\n"


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0b", "", "  ", "x" * 999])
def test_a_value_that_could_end_the_field_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="X-A"):
        headers.field("X-A", value)


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\n"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a header field name"):
        headers.field(name, "x")
