"""What a message carries of its verdict: for the mailbox, and from the gate to the forwarder."""

from hypothesis import given
from hypothesis import strategies as st

from twinmx.spam.verdict import Scored, Unscanned, Verdict, is_spam, render, seal, unseal

KEY, OLD = b"k" * 32, b"o" * 32
ID = "4bXyZ1"
SCORED = Scored("rspamd", 14.96, ("A_B", "C"), 0.031, partial=True)
BODY = b"Subject: x\r\n\r\nbody\r\n"


def field(verdict: Verdict, key: bytes = KEY, queue_id: str = ID) -> bytes:
    """The sealed field as Postfix sends what a milter has put in front."""
    name, value = seal(verdict, 15, key, queue_id)
    return name + b": " + value.replace(b"\n", b"\r\n") + b"\r\n"


def test_the_verdict_field_is_folded_and_safe() -> None:
    symbols = tuple(f"SYMBOL_NUMBER_{number}" for number in range(12))
    field = render(Scored("rspamd", 1.25, (*symbols, "evil;\r\nX: y"), 0.0311, partial=True), 15)
    lines = field.split(b"\r\n")
    assert lines[0] == b"X-Twinmx-Spam: engine=rspamd; score=1.25; reject=15.0; seconds=0.031; partial=yes;"
    assert lines[1].startswith(b"\tsymbols=SYMBOL_NUMBER_0,SYMBOL_NUMBER_1,")
    assert all(line.startswith(b"\t") and len(line) < 80 for line in lines[1:-1])
    joined = b"".join(line.strip() for line in lines[1:-1])
    assert joined == b"symbols=" + b",".join(s.encode() for s in symbols) + b",evil-X:-y"
    assert lines[-1] == b""


def test_no_verdict_says_why() -> None:
    assert render(Unscanned("rspamd:late,x y", 5.0), 15) == (
        b"X-Twinmx-Spam: engine=none; reason=rspamd:late,x-y; seconds=5.000\r\n"
    )


def test_spam_is_what_has_the_score() -> None:
    assert not is_spam(SCORED, 15)
    assert is_spam(Scored("rspamd", 15.0, (), 0.1), 15)
    assert not is_spam(Unscanned("rspamd:late", 15.0), 15)


def test_a_sealed_verdict_comes_back_whole() -> None:
    assert unseal(field(SCORED) + BODY, [KEY], ID) == SCORED


def test_that_there_is_none_comes_back_as_well() -> None:
    unscanned = Unscanned("rspamd:open,spamassassin:skipped", 0.0)
    assert unseal(field(unscanned) + BODY, [KEY], ID) == unscanned


@given(
    st.lists(
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=80), max_size=70
    ),
    st.integers(-99999, 99999),
)
def test_many_symbols_survive_the_folding(symbols: list[str], hundredths: int) -> None:
    sealed = Scored("rspamd", hundredths / 100, tuple(symbols), 0.5)
    back = unseal(field(sealed) + BODY, [KEY], ID)
    assert isinstance(back, Scored)
    assert back.score == sealed.score
    assert back.symbols == tuple(symbol[:72] for symbol in symbols[:60])


def test_other_folding_on_the_way_does_no_harm() -> None:
    unfolded = field(SCORED).replace(b"\r\n\t", b" ")
    assert unseal(unfolded + BODY, [KEY], ID) == SCORED


def test_a_key_that_is_being_replaced_still_counts() -> None:
    assert unseal(field(SCORED, OLD) + BODY, [KEY, OLD], ID) == SCORED
    assert unseal(field(SCORED, OLD) + BODY, [KEY], ID) is None


def test_a_verdict_is_for_one_message() -> None:
    assert unseal(field(SCORED) + BODY, [KEY], "4bXyZ2") is None


def test_what_is_changed_does_not_count() -> None:
    assert unseal(field(SCORED).replace(b"14.96", b"-4.96") + BODY, [KEY], ID) is None
    assert unseal(field(SCORED).replace(b"A_B", b"A_") + BODY, [KEY], ID) is None


def test_a_field_without_a_mark_does_not_count() -> None:
    assert unseal(render(SCORED, 15) + BODY, [KEY], ID) is None
    assert unseal(BODY, [KEY], ID) is None
    assert unseal(b"X-Twinmx-Spam: \xff; mark=\xff\r\n" + BODY, [KEY], ID) is None


def test_a_forged_field_beside_the_real_one_changes_nothing() -> None:
    forged = b"X-Twinmx-Spam: engine=rspamd; score=-99.00; mark=aaaaaaaa\r\n"
    assert unseal(forged + field(SCORED) + forged + BODY, [KEY], ID) == SCORED


def test_two_verdicts_of_ours_are_one_too_many() -> None:
    other = Scored("rspamd", 1.0, (), 0.1)
    assert unseal(field(SCORED) + field(other) + BODY, [KEY], ID) is None
