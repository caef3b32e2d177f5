"""What the gate answers to RCPT below every limit: whether alias and mailbox are on."""

from dataclasses import replace

import pytest

from tests.unit.twinmx.gatehouse import HELLO, MAILBOX_LIMIT, Gatehouse, rcpt, sent
from twinmx.aliases.model import Alias
from twinmx.aliases.snapshot import SnapshotError
from twinmx.aliases.update import build_snapshot


@pytest.mark.parametrize(
    ("recipient", "answer", "outcome"),
    [
        ("Hello@Alias.Example", "go on", "accepted"),
        ("Off@alias.example", "550 5.1.1 switched off", "disabled"),
        ('"o\\ff"@alias.example.', "550 5.1.1 switched off", "disabled"),
        ("nobody@alias.example", "go on", "unknown"),
        ("\udcff@alias.example".encode("utf-8", "surrogateescape").decode("latin-1"), "go on", "unknown"),
    ],
)
async def test_recipients(gate: Gatehouse, recipient: str, answer: str, outcome: str) -> None:
    """Who exists has been decided by the MTA before."""
    await gate.start()

    assert await rcpt(gate, recipient) == answer
    assert gate.counted("recipients_total", outcome=outcome) == 1


async def test_a_recipient_of_whom_every_mailbox_is_disabled(gate: Gatehouse) -> None:
    closed = Alias(HELLO, ("hello@mailbox.example",), "ada", True, ("hello@mailbox.example",))
    off = replace(closed, address="off@alias.example", enabled=False)
    build_snapshot([closed, off], gate.snapshot)
    await gate.start()

    assert await rcpt(gate, HELLO) == "550 5.2.1 nobody in"
    assert await rcpt(gate, off.address) == "550 5.1.1 switched off"
    assert gate.counted("recipients_total", outcome="mailbox-disabled") == 1


async def test_a_disabled_mailbox_counts_nothing(gate: Gatehouse) -> None:
    """All that a mailbox may take goes to others, past it; then it has taken nothing."""
    shared, pair = "two@post.example", ("one@mailbox.example", "two@post.example")
    aliases = [Alias(f"a{n}@alias.example", pair, None, True, (shared,)) for n in range(2)]
    # no source says this of `b`; it makes visible what is counted
    build_snapshot([*aliases, Alias("b@alias.example", (shared,))], gate.snapshot)
    await gate.start()
    for number in range(MAILBOX_LIMIT):
        await sent(gate, f"a{number % 2}@alias.example")

    assert await rcpt(gate, "b@alias.example") == "go on"


@pytest.mark.parametrize(
    ("fault", "outcome"), [(SnapshotError("damaged"), "no-snapshot"), (RuntimeError("a bug"), "error")]
)
async def test_a_fault_of_ours_refuses_no_recipient(
    gate: Gatehouse, monkeypatch: pytest.MonkeyPatch, fault: Exception, outcome: str
) -> None:
    await gate.start()

    def fail(_address: str) -> None:
        raise fault

    monkeypatch.setattr(gate.reader, "lookup", fail)

    assert await rcpt(gate, HELLO) == "go on"
    assert gate.counted("recipients_total", outcome=outcome) == 1
