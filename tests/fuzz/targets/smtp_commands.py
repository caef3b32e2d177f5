"""MAIL, RCPT and XFORWARD of a client: accepted or refused, and what is accepted can be said onward."""

from contextlib import suppress

from tests.fuzz.envelope_text import CONTROLS, text_of
from twinmx.smtp.commands import CommandError, parse_mail, parse_rcpt, parse_xforward
from twinmx.smtp.envelope import Envelope, Origin

SEEDS = (
    b"FROM:<a@b.example> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=x SMTPUTF8",
    b'TO:<"a b"@c.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+40b',
    b"NAME=a+2Eb ADDR=IPV6:2001:db8::1 PORT=25 HELO=[x] PROTO=ESMTP IDENT=4bXy SOURCE=REMOTE",
)
TOKENS = tuple(
    token.encode()
    for token in ("FROM:<", "TO:<", ">", " SIZE=", " BODY=", " SMTPUTF8", " NOTIFY=", " ORCPT=rfc822;", "+40")
)


def _mail(arguments: str) -> Envelope:
    return parse_mail(arguments, 1000, helo="mx", peer="127.0.0.1", origin=Origin())


def one_input(data: bytes) -> None:
    """As the dialogue calls them."""
    text = text_of(data)
    if text is None:
        return
    with suppress(CommandError):
        envelope = _mail(text)
        again = f"FROM:<{envelope.sender}>{' SMTPUTF8' if envelope.smtputf8 else ''}"
        assert _mail(again).sender == envelope.sender
    for smtputf8 in (False, True):
        with suppress(CommandError):
            recipient = parse_rcpt(text, smtputf8=smtputf8)
            assert parse_rcpt(f"TO:<{recipient.address}>", smtputf8=smtputf8).address == recipient.address
            assert smtputf8 or recipient.address.isascii()
    with suppress(CommandError):
        given = parse_xforward(text)
        assert not CONTROLS & set("".join(filter(None, given.values())))
        Origin(**given)
