"""Header surgery against a slow reference, on messages that look like messages and on those that do not."""

from hypothesis import example, given
from hypothesis import strategies as some

from tests.fuzz import reference
from twinmx import headers

NAME = "X-Twinmx-Spam"
LINES = (
    *(
        b"X-Twinmx-Spam: a",
        b"x-twinmx-spam-score\t : b",
        b"X-Twinmx-Spam:",
        b"X-Twinmx-Spam",
        b"X-Twinmx-Spa: c",
    ),
    *(
        b"X-Twinmx-Spa: c",
        b"Received: d",
        b"received : e",
        b"X-Received: f",
        b"To: g",
        b" folded",
        b"\tX-Twinmx-Spam: folded",
    ),
    *(b"", b": no name", b"no field", b"a b: no name", b"\xff\0: \0"),
)
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"")
PIECES = some.lists(some.sampled_from(LINES) | some.sampled_from(ENDS), max_size=12)
WHOLE = some.lists(some.tuples(some.sampled_from(LINES), some.sampled_from(ENDS)).map(b"".join), max_size=8)
MESSAGES = some.one_of(some.binary(max_size=60), PIECES.map(b"".join), WHOLE.map(b"".join))


@given(MESSAGES)
@example(b"X-Twinmx-Spam\t :a\r\n b\n\tc\rX-Twinmx-Spam: d")
def test_strip_is_the_reference(message: bytes) -> None:
    assert headers.strip(message, NAME) == reference.strip(message, NAME)


@given(MESSAGES, some.sampled_from([NAME, "Received", "To"]))
@example(b"To: a\r b\n\tc\r\n d\r\n\r\n", "To")
def test_values_are_the_references(message: bytes, name: str) -> None:
    assert headers.values(message, name) == reference.values(message, name)


@given(MESSAGES)
def test_hops_are_the_references(message: bytes) -> None:
    assert headers.count_received(message) == len(reference.values(message, "Received"))


@given(MESSAGES)
def test_the_body_is_never_touched(message: bytes) -> None:
    _, body = reference.cut(message)
    assert headers.strip(message, NAME).endswith(body)


WORDS = some.text(some.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=60).filter(str.strip)


@given(
    some.from_regex(r"[!-9;-~]{1,20}", fullmatch=True), some.lists(WORDS, min_size=1, max_size=4), MESSAGES
)
def test_a_field_of_ours_is_read_as_it_was_meant(name: str, lines: list[str], message: bytes) -> None:
    """Whatever is below it, unless the message begins with a blank: that would be a line of the field."""
    marked = headers.prepend(message, [headers.field(name, *lines)])
    assert marked.endswith(message)
    if not message.startswith((b" ", b"\t")):
        first = headers.values(marked, name)[0].decode()
        assert first.split() == " ".join(lines).split()
