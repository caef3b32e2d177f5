"""Signed and sealed, as a receiver outside finds it with a validator of its own."""

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from inventory.dkim import DkimPair
from inventory.schema import Exchange
from inventory.secrets import load_secrets
from lab.mailbox import Mailboxes
from lab.settings import LabHost
from tests.mail.dialogue import deliver
from tests.mail.dkim import sign, verify
from tests.mail.exchangers import frozen, stopped
from tests.mail.letters import letter
from tests.mail.outside import wait_for_mail_to
from tests.mail.validating import as_sent, sealed, signers

ALIAS = "hello@alias.example"
SERVED = "alias.example"
SIGNER = "rspamd-signing.service"
WAIT_SECONDS = 30
RESULTS = b"Authentication-Results: lists.example; spf=pass smtp.mailfrom=a@sender.example\r\n"


@pytest.fixture(scope="module")
def pair(exchange: Exchange) -> DkimPair:
    """The keys that sign."""
    return load_secrets(exchange.secrets_from).dkim_keys[0]


def test_forwarded_mail_is_sealed_and_the_senders_signature_stays_valid(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    odd = b" two  blanks \t\r\n.\r\n..\r\n\r\n" + b"z" * 3000 + b"\r\n\r\n\r\n"
    deliver(exchanger, sign(letter(token, odd), "sender.example", key), ALIAS)

    content = mailboxes.wait(token).content

    assert sealed(content) == ("pass", 1)
    verify(as_sent(content), key.public_key())


def test_the_seal_says_who_found_what(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    deliver(exchanger, letter(token), ALIAS)

    found = mailboxes.wait(token).field("ARC-Authentication-Results")

    assert found is not None
    assert found.split(";")[0].strip() == "i=1"
    assert found.split(";")[1].strip() in ("mx1.alias.example", "mx2.alias.example")
    assert "dkim=none" in found


def test_a_chain_that_is_valid_is_carried_on(
    one: LabHost, mailboxes: Mailboxes, token: str, pair: DkimPair
) -> None:
    sent = RESULTS + letter(token)
    private = pair.rsa.get_secret_value().encode()
    chain = dkim.arc_sign(sent, f"{pair.name}-rsa".encode(), SERVED.encode(), private, b"lists.example")
    deliver(one, b"".join(chain) + sent, ALIAS)

    assert sealed(mailboxes.wait(token).content) == ("pass", 2)


def test_a_chain_that_was_broken_on_its_way_is_sealed_as_such(
    one: LabHost, mailboxes: Mailboxes, token: str, pair: DkimPair
) -> None:
    sent = RESULTS + letter(token)
    private = pair.rsa.get_secret_value().encode()
    chain = dkim.arc_sign(sent, f"{pair.name}-rsa".encode(), SERVED.encode(), private, b"lists.example")
    deliver(one, b"".join(chain) + sent.replace(b"Hello.", b"Hello!"), ALIAS)

    assert sealed(mailboxes.wait(token).content)[0] == "fail"


def test_our_bounces_are_signed_with_both_keys(exchanger: LabHost, token: str, pair: DkimPair) -> None:
    sender = f"{token}@sender.example"
    deliver(exchanger, letter(token), "moved@alias.example", sender=sender)

    bounce = wait_for_mail_to(sender)

    assert set(signers(bounce)) == {(SERVED, f"{pair.name}-{kind}", True) for kind in ("rsa", "ed25519")}


@pytest.mark.parametrize("sender", ["someone@sender.example", "", f"ceo@{SERVED}"])
def test_a_stranger_gets_no_signature_of_ours(
    exchanger: LabHost, mailboxes: Mailboxes, token: str, sender: str
) -> None:
    """With a served domain in From it would make a forgery genuine."""
    deliver(exchanger, letter(token, sender=f"ceo@{SERVED}"), ALIAS, sender=sender)

    assert signers(mailboxes.wait(token).content) == []


def test_without_the_signer_mail_goes_on_unsealed(one: LabHost, mailboxes: Mailboxes, token: str) -> None:
    with stopped([one], SIGNER):
        deliver(one, letter(token), ALIAS)
        arrived = mailboxes.wait(token, seconds=WAIT_SECONDS)

    assert arrived.field("ARC-Seal") is None


def test_a_signer_that_hangs_holds_mail_no_longer_than_its_timeout(
    one: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    with frozen(one, SIGNER):
        deliver(one, letter(token), ALIAS)
        mailboxes.wait(token, seconds=WAIT_SECONDS)
