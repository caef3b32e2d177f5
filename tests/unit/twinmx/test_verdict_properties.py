"""A sealed verdict: it comes through as it was said, and nothing that was changed on the way counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from twinmx.spam.verdict import HEADER, Scored, Unscanned, Verdict, is_spam, seal, unseal

KEY, OLD_KEY = b"k" * 32, b"o" * 32
QUEUE_IDS = some.from_regex(r"[0-9A-Za-z]{6,20}", fullmatch=True)
SECONDS = some.floats(0, 600)
VERDICTS = some.one_of(
    some.builds(
        Scored,
        some.text(max_size=20).filter(lambda engine: engine != "none"),  # the word for no engine
        some.floats(-1e6, 1e6).map(lambda score: round(score, 2)),  # as the chain does
        some.lists(some.text(max_size=90), max_size=80).map(tuple),
        SECONDS,
        some.booleans(),
    ),
    some.builds(Unscanned, some.text(max_size=200), SECONDS),
)


def message_with(*values: bytes) -> bytes:
    fields = b"".join(b"%b: %b\r\n" % (HEADER.encode(), value.replace(b"\n", b"\r\n")) for value in values)
    return fields + b"From: a@b.example\r\n\r\nbody\r\n"


@given(VERDICTS, QUEUE_IDS)
def test_it_comes_through(verdict: Verdict, queue_id: str) -> None:
    name, value = seal(verdict, 15.0, KEY, queue_id)
    assert name == HEADER.encode()
    assert value.isascii()
    assert max(map(len, value.split(b"\n"))) < 998
    found = unseal(message_with(value), [OLD_KEY, KEY], queue_id)
    assert type(found) is type(verdict)
    assert found is not None
    assert found.seconds == pytest.approx(verdict.seconds, abs=0.001)
    if isinstance(verdict, Scored) and isinstance(found, Scored):
        assert found.score == verdict.score
        assert found.partial == verdict.partial


@given(VERDICTS.filter(lambda verdict: isinstance(verdict, Scored)), some.floats(0.1, 1000))
def test_it_means_the_same_afterwards(verdict: Verdict, reject_score: float) -> None:
    _, value = seal(verdict, reject_score, KEY, "4bXyZ")
    found = unseal(message_with(value), [KEY], "4bXyZ")
    assert found is not None
    assert is_spam(found, reject_score) == is_spam(verdict, reject_score)


@given(VERDICTS, QUEUE_IDS, some.data())
def test_a_changed_byte_makes_it_worthless(verdict: Verdict, queue_id: str, data: some.DataObject) -> None:
    _, value = seal(verdict, 15.0, KEY, queue_id)
    position = data.draw(some.integers(0, len(value) - 1))
    byte = data.draw(some.integers(33, 255).map(lambda number: bytes([number])))
    changed = value[:position] + byte + value[position + 1 :]
    if changed.lower() != value.lower():  # case is no part of what is said
        assert unseal(message_with(changed), [KEY], queue_id) is None


@given(VERDICTS, QUEUE_IDS, QUEUE_IDS)
def test_it_is_for_one_message_alone(verdict: Verdict, queue_id: str, other: str) -> None:
    _, value = seal(verdict, 15.0, KEY, queue_id)
    if other.lower() != queue_id.lower():
        assert unseal(message_with(value), [KEY], other) is None


@given(VERDICTS, QUEUE_IDS)
def test_it_needs_a_key_of_ours(verdict: Verdict, queue_id: str) -> None:
    _, value = seal(verdict, 15.0, OLD_KEY, queue_id)
    assert unseal(message_with(value), [KEY], queue_id) is None


@given(VERDICTS, VERDICTS, QUEUE_IDS)
def test_two_of_them_are_none(one: Verdict, two: Verdict, queue_id: str) -> None:
    values = [seal(verdict, 15.0, KEY, queue_id)[1] for verdict in (one, two)]
    assert unseal(message_with(*values), [KEY], queue_id) is None
