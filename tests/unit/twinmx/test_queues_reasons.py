"""Why mail waits, from texts that Postfix 3.10.13 wrote, and replies that large providers give."""

import pytest

from twinmx.queues.reasons import reason_of

SAID = "host mx.mailbox.example[198.51.100.10] said: {} (in reply to RCPT TO command)"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("connect to mx.mailbox.example[198.51.100.10]:25: Connection refused", "refused"),
        (
            "delivery temporarily suspended: connect to mx.mailbox.example[198.51.100.10]:25: Connection"
            " refused",
            "refused",
        ),
        ("host mx.mailbox.example[198.51.100.10] refused to talk to me: 554 5.7.1 go away", "refused"),
        ("connect to 198.51.100.77[198.51.100.77]:25: Connection timed out", "unreachable"),
        ("connect to mx.mailbox.example[198.51.100.10]:25: No route to host", "unreachable"),
        ("connect to mx.mailbox.example[2001:db8::1]:25: Network is unreachable", "unreachable"),
        (
            "conversation with mx.mailbox.example[198.51.100.10] timed out while receiving the initial server"
            " greeting",
            "unreachable",
        ),
        ("lost connection with mx.mailbox.example[198.51.100.10] while sending DATA command", "unreachable"),
        (
            "Host or domain name not found. Name service error for name=mailbox.example type=MX: Host not"
            " found, try again",
            "unreachable",
        ),
        (
            SAID.format("450 4.2.0 <x>: Recipient address rejected: Greylisted, see http://help.example"),
            "greylisted",
        ),
        (SAID.format("451 4.7.1 Graylisting in action, please come back later"), "greylisted"),
        (SAID.format("450 4.7.1 Please try again later"), "greylisted"),
        (
            SAID.format("450 4.2.1 The user you are trying to contact is receiving mail at a rate that"),
            "limited",
        ),
        (SAID.format("452 4.3.1 Mailbox is receiving mail at a rate that prevents delivery"), "limited"),
        (SAID.format("451 4.7.500 Server busy. Please try again later from [198.51.100.11]"), "limited"),
        (SAID.format("451 4.7.1 Too many messages from your host"), "limited"),
        (SAID.format("450 4.7.1 sending limit exceeded"), "limited"),
        (
            "host mx.mailbox.example[198.51.100.10] refused to talk to me: 421 4.7.0 [198.51.100.11] Our"
            " system has detected an unusual rate of unsolicited mail",
            "limited",
        ),
        (SAID.format("421 4.7.0 [TSS04] Messages temporarily deferred due to unexpected volume"), "limited"),
        ("connect to 198.51.100.12[198.51.100.12]:20381: Connection refused", "ours"),
        ("connect to 127.0.0.1[127.0.0.1]:20386: Connection timed out", "ours"),
        (SAID.format("452 4.2.2 The recipient inbox is out of storage space"), "other"),
        (SAID.format("451 4.3.0 Temporary failure"), "other"),
        ("mail transport unavailable", "other"),
        ("", "other"),
    ],
)
def test_outbound(text: str, reason: str) -> None:
    assert reason_of(text, "out") == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("connect to 127.0.0.1[127.0.0.1]:20381: Connection refused", "ours"),
        ("lost connection with 127.0.0.1[127.0.0.1] while receiving the initial server greeting", "ours"),
        ("host 127.0.0.1[127.0.0.1] said: 451 4.3.0 temporary failure of ours, try again", "ours"),
        ("mail transport unavailable", "ours"),
        ("host 127.0.0.1[127.0.0.1] said: 421 4.7.0 too many messages, try again later", "limited"),
    ],
)
def test_inbound_waits_for_us(text: str, reason: str) -> None:
    assert reason_of(text, "in") == reason
