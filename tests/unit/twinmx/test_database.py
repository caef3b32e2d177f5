"""Following a database: what is decided without one. tests/hosts asks a real server."""

import pytest

from tests.unit.twinmx.scripted_database import HERE, SERVED, row
from twinmx.aliases.database.backoff import FIRST_SECONDS, LONGEST_SECONDS, Backoff
from twinmx.aliases.database.marker import Marker
from twinmx.aliases.database.rows import Row, alias_of, fault_of
from twinmx.aliases.model import Alias


def test_pauses_grow_to_a_limit_and_begin_anew_once_it_answers() -> None:
    backoff = Backoff(lambda: 1.0)

    pauses = [backoff.pause() for _ in range(10)]
    backoff.reset()

    assert pauses[:3] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_SECONDS
    assert backoff.pause() == FIRST_SECONDS


def test_two_hosts_do_not_pause_alike_and_none_comes_back_at_once() -> None:
    hasty, patient = Backoff(lambda: 0.0), Backoff(lambda: 1.0)

    assert 0 < hasty.pause() < patient.pause()


def test_a_marker_is_read_as_it_was_written() -> None:
    assert Marker.parse(str(HERE)) == HERE


@pytest.mark.parametrize(
    "text", ["", "file 2026", "postgresql 1/1/2/3", "postgresql 1/1/2/3 ten", "postgresql 1 10:12:11 x"]
)
def test_another_source_s_marker_is_none(text: str) -> None:
    assert Marker.parse(text) is None


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (Row("no address", None, True, ["a@mailbox.example"]), "address: "),
        (Row("Big@alias.example", None, True, ["a@mailbox.example"]), "not in lower case"),
        (Row("a@other.example", None, True, ["a@mailbox.example"]), "other.example is not a served domain"),
        (Row("srs0=ab=cd=x=y@alias.example", None, True, ["a@mailbox.example"]), "rewritten sender"),
        (Row("a@alias.example", None, True, []), "mailboxes: empty"),
        (row("a", None), "an entry is no text"),
        (row("a", ["a@mailbox.example"]), "an entry is no text"),
        (row("a", "b@alias.example"), "loop: b@alias.example is in a served domain"),
        (row("a", "b@mailbox.example", "B@Mailbox.example"), "is there twice"),
        (row("a", "b c@mailbox.example"), "mailboxes: 'b c@mailbox.example': "),
    ],
)
def test_a_row_that_breaks_a_rule_is_told(bad: Row, says: str) -> None:
    assert says in str(fault_of(bad, SERVED))


def test_a_good_row_becomes_an_alias_with_folded_mailboxes() -> None:
    good = Row("a@alias.example", "", False, ["One@Mailbox.example", "two@mailbox.example"])

    assert fault_of(good, SERVED) is None
    assert alias_of(good) == Alias(
        "a@alias.example", ("one@mailbox.example", "two@mailbox.example"), None, False
    )


def test_the_disabled_mailboxes_of_a_row_are_those_of_the_alias() -> None:
    good = Row("a@alias.example", None, True, ["Two@m.example", "one@m.example", "x@m.example"])
    disabled = ["two@m.example", "one@m.example", "elsewhere@m.example"]

    assert alias_of(good).disabled_mailboxes == ()
    assert alias_of(good._replace(disabled=disabled)).disabled_mailboxes == ("one@m.example", "two@m.example")
