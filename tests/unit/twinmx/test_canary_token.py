"""Tokens: what was written is read again, and nothing else is."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twinmx.canary.token import LETTERS, Signer, Token

OLD, NEW = b"o" * 32, b"n" * 32
SIGNER = Signer([NEW, OLD])

names = st.from_regex(r"[a-z][a-z0-9]{0,62}", fullmatch=True)
nonces = st.text("0123456789abcdef", min_size=32, max_size=32)
tokens = st.builds(Token, home=names, via=names, letter=st.sampled_from(LETTERS), nonce=nonces)


@given(tokens)
def test_what_was_written_is_read_again(token: Token) -> None:
    assert SIGNER.read(SIGNER.write(token)) == token


@given(tokens)
def test_an_older_key_still_reads_and_a_strange_one_does_not(token: Token) -> None:
    assert SIGNER.read(Signer([OLD]).write(token)) == token
    assert SIGNER.read(Signer([b"x" * 32]).write(token)) is None


@given(tokens, st.data())
def test_no_change_of_one_character_is_taken(token: Token, data: st.DataObject) -> None:
    written = SIGNER.write(token)
    place = data.draw(st.integers(0, len(written) - 1))
    other = data.draw(st.sampled_from(string.printable))
    assume(other != written[place])

    assert SIGNER.read(written[:place] + other + written[place + 1 :]) is None


@given(st.text() | st.from_regex(r"home=.*; via=.*; letter=.*; id=.*; mark=.*"))
def test_any_text_is_read_without_a_fault_and_none_is_ours(text: str) -> None:
    assert SIGNER.read(text) is None


def test_no_two_are_equal_and_the_mark_is_of_every_part() -> None:
    one, other = (Token.new("mx1", "mx2", "ham") for _ in range(2))
    written = SIGNER.write(one)

    assert one.nonce != other.nonce
    for old, new in (("home=mx1", "home=mx2"), ("via=mx2", "via=mx1"), ("=ham", "=gtube")):
        assert SIGNER.read(written.replace(old, new)) is None


@pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "{};"])
def test_nothing_stands_around_it(around: str) -> None:
    assert SIGNER.read(around.format(SIGNER.write(Token.new("mx1", "mx2", "ham")))) is None
