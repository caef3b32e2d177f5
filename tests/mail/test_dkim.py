"""A signature made outside is still good in the mailbox: that is what lets a forward pass DMARC."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.mailbox import Mailboxes
from lab.send import submit
from lab.settings import LabHost
from tests.mail.dialogue import deliver
from tests.mail.dkim import DkimError, sign, verify
from tests.mail.letters import letter

ALIAS = "hello@alias.example"
BODIES = {
    "plain": b"Hello.\r\n",
    "odd": b" two  blanks \t\r\n.\r\n..\r\n\r\n" + b"z" * 3000 + b"\r\n\r\n\r\n",
    "8 bits": "Grüße\r\n".encode() + b"\xe9t\xe9\r\n",
}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("body", BODIES)
def test_a_signature_survives(
    exchanger: LabHost, mailboxes: Mailboxes, token: str, key: rsa.RSAPrivateKey, body: str
) -> None:
    signed = sign(letter(token, BODIES[body], b"X-Folded: a\r\n\t b "), "sender.example", key)
    deliver(exchanger, signed, ALIAS, options=["BODY=8BITMIME"])

    verify(mailboxes.wait(token).content.replace(b"\n", b"\r\n"), key.public_key())


def test_a_signature_survives_the_whole_way(
    exchanger: LabHost, mailboxes: Mailboxes, token: str, key: rsa.RSAPrivateKey
) -> None:
    submit(sign(letter(token), "sender.example", key), [ALIAS], through=exchanger)

    verify(mailboxes.wait(token).content.replace(b"\n", b"\r\n"), key.public_key())


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Hello.", b"Hello,"), (b"Subject: ", b"Subject:  "), (b"To: ", b"to: ")],
    ids=["body", "blank", "case"],
)
def test_the_check_sees_a_change(token: str, key: rsa.RSAPrivateKey, old: bytes, new: bytes) -> None:
    signed = sign(letter(token), "sender.example", key)
    verify(signed, key.public_key())

    with pytest.raises(DkimError):
        verify(signed.replace(old, new), key.public_key())
