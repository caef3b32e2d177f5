"""Addresses: however one is spelled in an SMTP command, there is one form under which it is known."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinmx.addresses import canonical, quote

LOCAL_PARTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)
ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]")


@pytest.mark.parametrize(
    ("spelled", "known"),
    [
        ("hello@alias.example", "hello@alias.example"),
        ("Hello@Alias.Example", "Hello@Alias.Example"),
        ('"hello"@alias.example', "hello@alias.example"),
        (r'"h\ello"@alias.example', "hello@alias.example"),
        (r"hel\lo@alias.example", "hello@alias.example"),
        ('"hel".lo@alias.example', "hel.lo@alias.example"),
        ("hello@alias.example.", "hello@alias.example"),
        ("@a.example:hello@alias.example", "hello@alias.example"),
        ("@a.example,@b.example:hello@alias.example", "hello@alias.example"),
        (" <hello@alias.example> ", "hello@alias.example"),
        ("< hello @ alias.example >", "hello@alias.example"),
        ('<@a.example:"hel\\lo"@alias.example.>', "hello@alias.example"),
        ('hello@"alias.example"', "hello@alias.example"),
        ('"hello@alias.example"', "hello@alias.example"),
        ('"hello there"@alias.example', '"hello there"@alias.example'),
        (r'"a\"b"@alias.example', r'"a\"b"@alias.example'),
        (r"a\@b@alias.example", '"a@b"@alias.example'),
        ("hello@alias.example..", "hello@alias.example.."),
        ("hello@.", "hello@."),
        ("hello", "hello"),
        ('""@alias.example', '""@alias.example'),
        ("@alias.example", '""@alias.example'),
        ("", ""),
        ("<>", ""),
        ('"no end@alias.example', '"no end"@alias.example'),
        ("no end\\", "noend"),
        ("blå@alias.example", "blå@alias.example"),
    ],
)
def test_an_address_is_known_under_one_form(spelled: str, known: str) -> None:
    assert canonical(spelled) == known


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A local part, and an SMTP path in which it is quoted in some legal way."""
    local = draw(LOCAL_PARTS)
    if draw(st.booleans()):
        pairs = (f"\\{letter}" if letter in '"\\' or draw(st.booleans()) else letter for letter in local)
        spelled = f'"{"".join(pairs)}"'
    else:
        pairs = (
            letter if ATOM.fullmatch(letter) and draw(st.booleans()) else f"\\{letter}" for letter in local
        )
        spelled = "".join(pairs)
    route = draw(st.sampled_from(["", "@a.example:", "@a.example,@b.example:"]))
    path = f"{route}{spelled}@alias.example{draw(st.sampled_from(['', '.']))}"
    return local, draw(st.sampled_from(["{}", "<{}>", " <{}>"])).format(path)


@given(spellings())
def test_no_legal_quoting_makes_another_address(drawn: tuple[str, str]) -> None:
    local, path = drawn

    assert canonical(path) == f"{quote(local)}@alias.example"


@given(LOCAL_PARTS)
def test_the_form_is_its_own(local: str) -> None:
    known = canonical(f"{quote(local)}@alias.example")

    assert canonical(known) == known


@given(st.text(max_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    canonical(text)
