"""DKIM (RFC 6376) of the strictest kind, c=simple/simple: one changed blank in header or body breaks it.

Written here to sign bytes that no library would let through, and to look at the mailbox's bytes with no
normalisation between. What it signs is what others accept as well.
"""

import base64
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

SIGNED = ("from", "to", "subject", "message-id", "date")
FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:.*?\r\n(?![ \t])", re.DOTALL)


class DkimError(Exception):
    """The message is not what was signed; the message says which part."""


def _body_hash(message: bytes) -> bytes:
    """RFC 6376, 3.4.3: empty lines at the end do not count."""
    body = message.partition(b"\r\n\r\n")[2]
    body = re.sub(rb"(?:\r\n)+\Z", b"", body) + b"\r\n"
    return base64.b64encode(hashlib.sha256(body).digest())


def _fields(message: bytes) -> list[tuple[bytes, bytes]]:
    header = message.partition(b"\r\n\r\n")[0] + b"\r\n"
    return [(match[1].lower(), match[0]) for match in FIELD.finditer(header)]


def _signed_fields(message: bytes) -> bytes:
    """The lowest field of each signed name (RFC 6376, 5.4.2)."""
    found = dict(_fields(message))
    return b"".join(found[name.encode()] for name in SIGNED)


def sign(message: bytes, domain: str, key: RSAPrivateKey) -> bytes:
    """`message` with a signature of `domain` in front."""
    field = (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d={domain};\r\n"
        f"\ts=lab; h={':'.join(SIGNED)};\r\n\tbh={_body_hash(message).decode()};\r\n\tb="
    ).encode()
    signature = key.sign(_signed_fields(message) + field, PKCS1v15(), SHA256())
    return field + base64.b64encode(signature) + b"\r\n" + message


def verify(message: bytes, key: RSAPublicKey) -> None:
    """Check the one signature of `message`, which has the line ends of the wire; raises `DkimError`."""
    (field,) = (text for name, text in _fields(message) if name == b"dkim-signature")
    if b"bh=" + _body_hash(message) + b";" not in field:
        raise DkimError("the body is not the one that was signed")
    unsigned, _, signature = field.rpartition(b"b=")
    try:
        key.verify(
            base64.b64decode(signature),
            _signed_fields(message) + unsigned + b"b=",
            PKCS1v15(),
            SHA256(),
        )
    except InvalidSignature as error:
        raise DkimError("the signed fields are not those that were signed") from error
