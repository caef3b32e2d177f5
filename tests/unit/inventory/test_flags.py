"""What --data flags change, and what is refused of them."""

import click
import pytest

from inventory.hosts import command_line_flags
from inventory.load import InventoryError, load_exchange
from inventory.schema import Exchange
from tests.unit.inventory.files import Files, spoil

BAD = {
    "misspelt": (
        {"drian": "mx1"},
        "--data drian=mx1: no such flag. Did you mean drain? Allowed: drill, drain, primary,",
    ),
    "unknown": (
        {"colour": "red"},
        "--data colour=red: no such flag. Allowed: drill, drain, primary, workers, spam_engines",
    ),
    "unknown host drained": (
        {"drain": "mx9"},
        "--data drain=mx9: there is no exchanger 'mx9'; allowed: mx1, mx2",
    ),
    "unknown host first": (
        {"primary": "mx9"},
        "--data primary=mx9: there is no exchanger 'mx9'; allowed: mx1, mx2",
    ),
    "comma at the end": ({"drain": "mx1,"}, "--data drain=mx1,: there is no exchanger ''; allowed: mx1, mx2"),
    "two primaries": (
        {"primary": "mx1,mx2"},
        "--data primary=mx1,mx2: only one exchanger comes first; allowed: one of mx1, mx2",
    ),
    "all drained": (
        {"drain": "mx1,mx2"},
        "--data drain=mx1,mx2: exchangers: none of mx1, mx2 is active; allowed: at least one",
    ),
    "primary that is drained": (
        {"primary": "mx1", "drain": "mx1"},
        "--data primary=mx1: mx1 is drained or inactive, and mail must not go there; allowed: mx2",
    ),
    "no workers": (
        {"workers": "0"},
        "--data workers=0: forwarder.workers: '0'; allowed: a whole number from 1 to 64 (Worker processes",
    ),
    "workers in words": (
        {"workers": "abc"},
        "--data workers=abc: forwarder.workers: 'abc'; allowed: a whole number",
    ),
    "unknown engine": (
        {"spam_engines": "clamav"},
        "--data spam_engines=clamav: spam.engines entry 1: 'clamav'; allowed: rspamd or spamassassin",
    ),
    "engine twice": (
        {"spam_engines": "rspamd,rspamd"},
        "--data spam_engines=rspamd,rspamd: spam.engines entry 2: 'rspamd': listed twice; allowed: once",
    ),
    "no value": (
        {"workers": ""},
        "--data workers=: no value; allowed: workers=12 (forwarder workers on each host)",
    ),
    "neither left nor ended": (
        {"failover": "stop"},
        "--data failover=stop: failover.under_way: 'stop'; allowed: leave or end",
    ),
    "answer that accepts": (
        {"rate_limit_answer": "250"},
        "--data rate_limit_answer=250: rate_limits.answer: 250; allowed: 550, 450 or 421",
    ),
    "answer of another script": (
        {"rate_limit_answer": "5²"},
        "--data rate_limit_answer=5²: rate_limits.answer: '5²'; allowed: 550, 450 or 421",
    ),
}


@pytest.mark.parametrize(("flags", "says"), BAD.values(), ids=BAD.keys())
def test_a_bad_flag_is_refused(files: Files, flags: dict[str, str], says: str) -> None:
    with pytest.raises(InventoryError) as refused:
        load_exchange(files.facts, flags)

    assert str(refused.value).startswith(says)


def test_an_inactive_exchanger_cannot_become_primary(files: Files) -> None:
    spoil(files.facts, "mx_priority: 20", "mx_priority: 20\n    active: false")

    with pytest.raises(InventoryError, match=r"primary=mx2: mx2 is drained or inactive, .*; allowed: mx1$"):
        load_exchange(files.facts, {"primary": "mx2"})


def test_a_flag_that_breaks_another_rule_is_refused(files: Files) -> None:
    """SpamAssassin alone needs more than this exchange's total, which is enough for Rspamd."""
    spoil(files.facts, "[rspamd, spamassassin]", "[rspamd]")
    spoil(files.facts, "total_seconds: 15", "total_seconds: 5")

    with pytest.raises(InventoryError, match=r"spam\.spamassassin\.budget_seconds: 8\.0: .* \(5 seconds\)"):
        load_exchange(files.facts, {"spam_engines": "spamassassin"})


def _priorities(exchange: Exchange) -> dict[str, int]:
    return {name: host.mx_priority for name, host in exchange.exchangers.items()}


def test_flags_change_what_they_name_and_nothing_else(files: Files) -> None:
    plain = load_exchange(files.facts)
    flags = {
        "primary": "mx2",
        "workers": "12",
        "spam_engines": "spamassassin, rspamd",
        "rate_limit_answer": "421",
        "failover": "end",
        "mx_unanswered": "write",
    }

    changed = load_exchange(files.facts, flags)

    assert _priorities(changed) == {"mx1": 20, "mx2": 10}
    assert changed.forwarder.workers == 12
    assert changed.spam.engines == ("spamassassin", "rspamd")
    assert changed.rate_limits.answer == 421
    assert changed.failover.under_way == "end"
    assert changed.dns.mx_unanswered == "write"
    back = load_exchange(
        files.facts,
        flags
        | {"workers": "3", "spam_engines": "rspamd,spamassassin", "rate_limit_answer": "550"}
        | {"primary": "mx1", "failover": "leave", "mx_unanswered": "leave"},
    )
    assert back == plain


def test_drain_makes_the_host_inactive(files: Files) -> None:
    drained = load_exchange(files.facts, {"drain": "mx1"})

    assert [host.active for host in drained.exchangers.values()] == [False, True]


@click.command()
@click.option("--data", multiple=True)
def _command(data: tuple[str, ...]) -> None:
    click.echo(command_line_flags())


def _flags_of(*arguments: str) -> dict[str, str]:
    with _command.make_context("pyinfra", list(arguments)):
        return command_line_flags()


def test_flags_come_from_the_command_line_as_written() -> None:
    """As text: pyinfra itself would make a number of 1.10, and an object of JSON."""
    assert _flags_of("--data", "workers=012", "--data", "drain=mx1=x") == {"workers": "012", "drain": "mx1=x"}


def test_flags_of_the_connector_are_left_to_it() -> None:
    assert _flags_of("--data", "ssh_user=joe", "--data", "ssh_port=2222", "--data", "workers=2") == {
        "workers": "2"
    }


def test_a_flag_given_twice_is_refused() -> None:
    with pytest.raises(
        InventoryError, match=r"--data drain=mx2: drain is given twice, also as mx1; allowed: once"
    ):
        _flags_of("--data", "drain=mx1", "--data", "drain=mx2")


def test_a_flag_without_a_value_is_refused() -> None:
    with pytest.raises(InventoryError, match=r"^--data drain: no value; allowed: drain=VALUE$"):
        _flags_of("--data", "drain")


def test_without_a_command_there_are_no_flags() -> None:
    assert command_line_flags() == {}
