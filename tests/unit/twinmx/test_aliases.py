"""Aliases as people write them, and as a host receives them."""

from pathlib import Path

import pytest

from twinmx.aliases.hostformat import dump_aliases, read_aliases
from twinmx.aliases.inventory import load_aliases
from twinmx.aliases.model import Alias, AliasFileError

SERVED = ("alias.example", "masked.example")


def load(tmp_path: Path, text: str) -> tuple[Alias, ...]:
    path = tmp_path / "aliases.yml"
    path.write_text(text)
    return load_aliases(path, SERVED)


def test_aliases_are_read_folded_and_sorted(tmp_path: Path) -> None:
    text = """
aliases:
  - {alias: Shop@Masked.Example, mailboxes: [Carla@post.example], enabled: false}
  - alias: hello@alias.example
    mailboxes:
      - hello@mailbox.example
      - two@post.example
    account: ada
"""
    assert load(tmp_path, text) == (
        Alias("hello@alias.example", ("hello@mailbox.example", "two@post.example"), "ada"),
        Alias("shop@masked.example", ("carla@post.example",), None, enabled=False),
    )


def test_a_disabled_mailbox_is_one_under_every_alias_that_leads_to_it(tmp_path: Path) -> None:
    text = """
disabled_mailboxes: [two@b.example, One@B.example]
aliases:
  - {alias: a@alias.example, mailboxes: [two@b.example, x@b.example, one@b.example]}
  - {alias: b@alias.example, mailboxes: [ONE@b.example]}
  - {alias: c@alias.example, mailboxes: [x@b.example]}
"""
    first, second, third = load(tmp_path, text)
    assert first.mailboxes == ("two@b.example", "x@b.example", "one@b.example")
    assert first.disabled_mailboxes == ("one@b.example", "two@b.example")
    assert (second.disabled_mailboxes, third.disabled_mailboxes) == (("one@b.example",), ())
    in_use = [alias.mailboxes_in_use for alias in (first, second, third)]
    assert in_use == [("x@b.example",), (), ("x@b.example",)]


ONE_ALIAS = "aliases:\n- {alias: a@alias.example, mailboxes: [x@b.example]}\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("aliases: [\n", 2, "not YAML"),
        ("- a\n", 1, "the key aliases"),
        ("", 1, "the key aliases"),
        (
            ONE_ALIAS + "disabled_mailboxes: x@b.example\n",
            3,
            "disabled_mailboxes: must be a list of mailboxes",
        ),
        (ONE_ALIAS + "disabled_mailboxes:\n- 5\n", 4, "disabled_mailboxes: must be an address, is '5'"),
        (ONE_ALIAS + "disabled_mailboxes:\n- nobody\n", 4, "disabled_mailboxes: 'nobody' is not accepted"),
        (
            ONE_ALIAS + "disabled_mailboxes:\n- x@b.example\n- y@b.example\n",
            5,
            "disabled_mailboxes: y@b.example is the mailbox of no alias; allowed: an address that an alias",
        ),
        (
            ONE_ALIAS + "disabled_mailboxes:\n- x@b.example\n- X@b.example\n",
            5,
            "disabled_mailboxes: X@b.example is there already on line 4",
        ),
        (ONE_ALIAS + "disabled_mailboxes: []\ndisabled_mailboxes: []\n", 4, "the key is given twice"),
        # an alias with a fault has its mailboxes all the same: one fault is told, not two
        (
            "aliases:\n- {alias: 5, mailboxes: [x@b.example]}\ndisabled_mailboxes: [x@b.example]\n",
            2,
            "alias: must be an address, is '5'",
        ),
        ("{}\n", 1, "aliases is missing"),
        ("aliases: x\n", 1, "must be a list"),
        ("aliases: []\nmore: 1\n", 2, "more: unknown key, allowed are aliases, disabled_mailboxes"),
        ("aliases:\n- x\n", 2, "must be a mapping"),
        ("aliases:\n- mailboxes: [a@b.example]\n", 2, "alias is missing"),
        ("aliases:\n- alias: a@alias.example\n", 2, "a@alias.example has no mailbox"),
        ("aliases:\n- alias: a@alias.example\n  mailboxes: []\n", 3, "has no mailbox"),
        ("aliases:\n- alias: a@alias.example\n  mailboxes: a@b.example\n", 3, "must be a list"),
        ("aliases:\n- alias: [a]\n  mailboxes: [a@b.example]\n", 2, "alias: must be an address, is a list"),
        ("aliases:\n- alias: 5\n  mailboxes: [a@b.example]\n", 2, "alias: must be an address, is '5'"),
        ("aliases:\n- alias: a b@alias.example\n  mailboxes: [a@b.example]\n", 2, "'a b@alias.example'"),
        ("aliases:\n- alias: a@alias.example\n  mailboxes: [nobody]\n", 3, "'nobody' is not accepted"),
        ("aliases:\n- alias: a@alias.example\n  mailboxes:\n  - ä@b.example\n", 4, "ASCII"),
        ("aliases:\n- alias: a@alias.example\n  mailboxes: [a@bücher.example]\n", 3, "xn--"),
        (
            "aliases:\n- alias: a@else.example\n  mailboxes: [a@b.example]\n",
            2,
            "a@else.example is outside the served domains (alias.example, masked.example)",
        ),
        ("aliases:\n- alias: srs0=x@alias.example\n  mailboxes: [a@b.example]\n", 2, "rewritten sender"),
        (
            "aliases:\n- alias: a@alias.example\n  mailboxes:\n  - x@b.example\n  - X@B.example\n",
            5,
            "X@B.example is there already on line 4",
        ),
        (
            "aliases:\n- {alias: a@alias.example, mailboxes: [x@b.example]}\n"
            "- {alias: A@Alias.example, mailboxes: [x@b.example]}\n",
            3,
            "A@Alias.example is there already on line 2 (as a@alias.example",
        ),
        (
            "aliases:\n- {alias: a@alias.example, mailboxes: [A@alias.example]}\n",
            2,
            "loop: A@alias.example of a@alias.example is itself an alias",
        ),
        (
            "aliases:\n- {alias: a@alias.example, mailboxes: [b@masked.example]}\n",
            2,
            "is in a domain served here",
        ),
        (
            "aliases:\n- alias: a@alias.example\n  mailboxes: [a@b.example]\n  enable: false\n",
            4,
            "enable: unknown key, allowed are account, alias, enabled, mailboxes",
        ),
        (
            "aliases:\n- alias: a@alias.example\n  mailboxes: [a@b.example]\n  enabled: never\n",
            4,
            "enabled: must be true or false, is 'never'",
        ),
        (
            "aliases:\n- alias: a@alias.example\n  mailboxes: [a@b.example]\n  account: 7\n",
            4,
            "account: must be a name",
        ),
        (
            'aliases:\n- alias: a@alias.example\n  mailboxes: [a@b.example]\n  account: "a\\0b"\n',
            4,
            "account: must be a name",
        ),
        (
            "aliases:\n- alias: a@alias.example\n  alias: b@alias.example\n  mailboxes: [a@b.example]\n",
            3,
            "alias: the key is given twice",
        ),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(AliasFileError) as caught:
        load(tmp_path, text)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert message in problem.message
    assert str(caught.value).startswith(f"{tmp_path}/aliases.yml:{line}: ")


def test_all_faults_are_told_at_once_in_order(tmp_path: Path) -> None:
    text = (
        "aliases:\n- {alias: bad, mailboxes: [x@b.example]}\n"
        "- {alias: a@alias.example, mailboxes: []}\nx: 1\n"
    )
    with pytest.raises(AliasFileError) as caught:
        load(tmp_path, text)
    assert [problem.line for problem in caught.value.problems] == [2, 3, 4]


def test_the_host_format_has_one_spelling() -> None:
    first, second = (
        Alias("a@alias.example", ("x@b.example",), "Zoë"),
        Alias("b@alias.example", ("x@b.example",), None, enabled=False),
    )
    data = dump_aliases([second, first])
    assert data == dump_aliases([first, second])
    assert data.count(b"\n") == 2
    assert tuple(read_aliases(data.splitlines(keepends=True))) == (first, second)


def test_only_an_alias_with_a_disabled_mailbox_says_so_to_a_host() -> None:
    boxes = ("z@b.example", "x@b.example", "y@b.example")
    aliases = (
        Alias("a@alias.example", boxes),
        Alias("b@alias.example", boxes, disabled_mailboxes=("x@b.example", "z@b.example")),
    )
    first, second = lines = dump_aliases(aliases).splitlines(keepends=True)
    assert first == (
        b'{"account":null,"address":"a@alias.example","enabled":true,'
        b'"mailboxes":["z@b.example","x@b.example","y@b.example"]}\n'
    )
    assert second.endswith(b',"disabled_mailboxes":["x@b.example","z@b.example"]}\n')
    assert tuple(read_aliases(lines)) == aliases


def _disabled(*mailboxes: str) -> bytes:
    boxes = ("x@y.example", "w@y.example")
    return dump_aliases([Alias("a@b.example", boxes, disabled_mailboxes=mailboxes)])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{\n", "a:1: "),
        (b'{"address":"a@b.example","enabled":true,"mailboxes":["x@y.example"]}\n', "account"),
        (
            b'{"account":null,"address":"a@b.example","enabled":true,"mailboxes":["x@y.example"],"z":1}\n',
            "a:1: z: ",
        ),
        (
            b'{"account":null,"address":"A@b.example","enabled":true,"mailboxes":["x@y.example"]}\n',
            "a:1: 'A@b.example' is not in folded case",
        ),
        (b'{"account":null,"address":"a@b.example","enabled":true,"mailboxes":[]}\n', "no mailbox"),
        (_disabled("z@y.example"), "a:1: disabled_mailboxes: 'z@y.example' is no mailbox of a@b.example"),
        (_disabled("X@y.example"), "a:1: disabled_mailboxes: 'X@y.example' is no mailbox of a@b.example"),
        (_disabled("x@y.example", "w@y.example"), "a:1: disabled_mailboxes of a@b.example: they are sorted"),
        (_disabled("x@y.example", "x@y.example"), "a:1: disabled_mailboxes of a@b.example: they are sorted"),
        (
            b'{"account":null,"address":"a@b.example","enabled":true,"mailboxes":["x@y.example"]}\n' * 2,
            "a:2: a@b.example follows a@b.example",
        ),
    ],
)
def test_a_bad_line_in_the_host_format_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(AliasFileError) as caught:
        list(read_aliases(data.splitlines(keepends=True), "a"))
    assert message in str(caught.value)


def test_every_bad_line_in_the_host_format_is_told() -> None:
    good = dump_aliases([Alias("a@alias.example", ("x@b.example",))])
    with pytest.raises(AliasFileError) as caught:
        list(read_aliases([good, b"{\n", good], "a"))
    assert [problem.line for problem in caught.value.problems] == [2, 3]
