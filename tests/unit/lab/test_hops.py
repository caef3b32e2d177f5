from datetime import UTC, datetime

import pytest

from lab.hops import hops_of, parse_received, seconds_at

POSTFIX = (
    "from outside.sender.example (outside.sender.example [198.51.100.10])\n"
    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n"
    "\tby mx1.alias.example (Postfix) with ESMTPS id 4C1D82\n"
    "\tfor <hello@alias.example>; Sun, 22 Nov 2026 03:39:36 +0000 (UTC)"
)


def test_clauses_of_a_postfix_field_are_read() -> None:
    hop = parse_received(POSTFIX)

    assert (hop.source, hop.by, hop.protocol, hop.queue_id) == (
        "outside.sender.example",
        "mx1.alias.example",
        "ESMTPS",
        "4C1D82",
    )
    assert hop.time == datetime(2026, 11, 22, 3, 39, 36, tzinfo=UTC)


def test_words_in_nested_comments_are_no_clauses() -> None:
    hop = parse_received("from a.example (by (with) id X) by b.example; Sun, 22 Nov 2026 03:39:36 +0000")

    assert (hop.source, hop.by, hop.protocol, hop.queue_id) == ("a.example", "b.example", "", "")


@pytest.mark.parametrize("field", ["", "by b.example", "from a.example; not a date", "((("])
def test_what_does_not_parse_is_left_empty(field: str) -> None:
    assert parse_received(field).time is None


def test_hops_come_in_the_order_in_which_they_were_made() -> None:
    message = (
        b"Received: by second.example; Sun, 22 Nov 2026 03:39:41 +0000\n"
        b"Received: by first.example; Sun, 22 Nov 2026 04:39:36 +0100\n"
        b"Subject: x\n\nReceived: by body.example\n"
    )

    hops = hops_of(message)

    assert [hop.by for hop in hops] == ["first.example", "second.example"]
    assert [seconds_at(hops, position) for position in range(2)] == [None, 5]
