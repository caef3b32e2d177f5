"""Rewritten senders: back and forth, forged, expired, folded."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinmx.srs import Srs, SrsExpiredError, SrsForgedError, SrsMalformedError, is_srs

DAY = 86400
OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32


class Clock:
    def __init__(self, day: float = 20_000) -> None:
        self.day = day

    def __call__(self) -> float:
        return self.day * DAY


def srs(*keys: bytes, clock: Clock | None = None) -> Srs:
    return Srs(keys or (NEW,), 30, clock or Clock())


def test_the_form_is_srs0() -> None:
    rewritten = srs().rewrite("a=b@sender.example", "alias.example")
    assert re.fullmatch(r"SRS0=[a-z2-7]{8}=[a-z2-7]{2}=sender\.example=a=b@alias\.example", rewritten)
    assert is_srs(rewritten.rpartition("@")[0])


def test_the_null_sender_stays_null() -> None:
    assert srs().rewrite("", "alias.example") == ""


LOCAL = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
DOMAIN = st.from_regex(r"[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){1,3}", fullmatch=True)


@given(st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,30}", fullmatch=True), DOMAIN)
def test_round_trip(local: str, domain: str) -> None:
    if re.fullmatch(r"(?i)srs[01][=+-].*", local) or local.startswith(".") or local.endswith("."):
        return
    if ".." in local:
        return
    sender = f"{local}@{domain}"
    rewritten = srs().rewrite(sender, "alias.example")
    assert srs().reverse(rewritten) == sender
    assert srs().reverse(rewritten.lower()) == sender.lower()
    assert srs().reverse(rewritten.upper()) == sender.upper().replace("\u0130", "i")


@given(LOCAL, DOMAIN)
def test_quoted_local_parts_come_back_and_never_break_the_envelope(local: str, domain: str) -> None:
    escaped = re.sub(r'(["\\])', r"\\\1", local)
    if is_srs(f'"{escaped}"'):
        return
    rewritten = srs().rewrite(f'"{escaped}"@{domain}', "alias.example")
    back = srs().reverse(rewritten)
    assert back in (f'"{escaped}"@{domain}', f"{local}@{domain}")


@given(st.text(max_size=80))
def test_any_text_is_refused_clearly(text: str) -> None:
    with pytest.raises((SrsMalformedError, SrsForgedError, SrsExpiredError)):
        srs().reverse(text)


def test_a_second_site_makes_srs1_and_a_third_keeps_it() -> None:
    here, there = srs(NEW), srs(OTHER)
    first = there.rewrite("a@sender.example", "there.example")
    second = here.rewrite(first, "alias.example")
    assert second.startswith("SRS1=")
    assert here.reverse(second) == first
    assert here.reverse(second.lower()).lower() == first.lower()
    third = srs(OTHER).rewrite(second, "third.example")
    assert len(third) < len(second) + 10
    assert srs(OTHER).reverse(third) == first
    assert there.reverse(first) == "a@sender.example"


@pytest.mark.parametrize("first_separator", ["=", "+", "-"])
def test_other_sites_separators_survive(first_separator: str) -> None:
    foreign = f"SRS0{first_separator}abcd=EF=sender.example=a@there.example"
    assert srs().reverse(srs().rewrite(foreign, "alias.example")) == foreign


def test_every_key_verifies_and_the_first_signs() -> None:
    before = srs(OLD).rewrite("a@sender.example", "alias.example")
    rotated = srs(NEW, OLD)
    assert rotated.reverse(before) == "a@sender.example"
    assert rotated.rewrite("a@sender.example", "alias.example") == srs(NEW).rewrite(
        "a@sender.example", "alias.example"
    )
    with pytest.raises(SrsForgedError):
        srs(NEW).reverse(before)


@pytest.mark.parametrize("position", range(6, 45))
def test_any_changed_character_is_refused(position: int) -> None:
    good = srs().rewrite("someone@sender.example", "alias.example")
    local, _, domain = good.partition("@")
    if position >= len(local):
        return
    changed = local[:position] + ("2" if local[position] != "2" else "3") + local[position + 1 :]
    with pytest.raises((SrsForgedError, SrsMalformedError)):
        srs().reverse(f"{changed}@{domain}")


@pytest.mark.parametrize("start", [20_000, 1023, 1024 * 19 - 1])
def test_it_expires_also_over_the_turn_of_the_counter(start: int) -> None:
    clock = Clock(start)
    rewriter = srs(clock=clock)
    address = rewriter.rewrite("a@sender.example", "alias.example")
    clock.day = start + 30
    assert rewriter.reverse(address) == "a@sender.example"
    clock.day = start + 31
    with pytest.raises(SrsExpiredError, match="30 days"):
        rewriter.reverse(address)


def test_a_peer_whose_clock_is_a_day_ahead_is_believed() -> None:
    clock = Clock()
    address = srs(clock=clock).rewrite("a@sender.example", "alias.example")
    clock.day -= 1
    assert srs(clock=clock).reverse(address) == "a@sender.example"
    clock.day -= 1
    with pytest.raises(SrsExpiredError):
        srs(clock=clock).reverse(address)


@pytest.mark.parametrize("sender", ["postmaster", "@sender.example", "a@"])
def test_a_sender_without_parts_cannot_be_rewritten(sender: str) -> None:
    with pytest.raises(SrsMalformedError):
        srs().rewrite(sender, "alias.example")


@pytest.mark.parametrize(("keys", "days"), [([], 30), ([b"short"], 30), ([NEW, b"short"], 30), ([NEW], 0)])
def test_bad_keys_and_ages_are_refused(keys: list[bytes], days: int) -> None:
    with pytest.raises(ValueError, match="SRS"):
        Srs(keys, days)
