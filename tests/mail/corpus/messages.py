"""The messages. Each is made for a token, so that it is known again, with what Postfix documents to do to it.

Wire form: CRLF ends a line, and a message without one at its end gets one, since SMTP cannot say otherwise.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.mail.dkim import sign
from tests.mail.letters import PLAIN, letter

Make = Callable[[str], bytes]
Change = Callable[[bytes], bytes]


def unchanged(message: bytes) -> bytes:
    """It arrives as it was sent."""
    return message


def headed(message: bytes) -> bytes:
    """The first line is no field, so Postfix ends its own header before it (RFC 5322, 2.1)."""
    return b"\r\n" + message


def bare_ends(message: bytes) -> bytes:
    """LF becomes a line end (smtpd_forbid_bare_newline), CR a blank (cleanup_replace_stray_cr_lf)."""
    return message.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\n", b"\r\n")


def cut_at(mark: bytes) -> Change:
    """What follows `mark` in the header is body, and an empty line says so."""
    return lambda message: message.replace(mark, b"\r\n" + mark, 1)


def without_blank_before_colon(message: bytes) -> bytes:
    """Postfix writes `Name :` as `Name:`."""
    return message.replace(b"\t :", b":", 1)


def cut_at_nul(message: bytes) -> bytes:
    """To Postfix a field ends at NUL; the body keeps it."""
    header, end, body = message.partition(b"\r\n\r\n")
    return b"\r\n".join(line.partition(b"\0")[0] for line in header.split(b"\r\n")) + end + body


def cut_at_most(message: bytes) -> bytes:
    """With a milter Postfix cuts a field after 60,000 bytes, whatever header_size_limit says (measured)."""
    field, end, rest = message.partition(b"\r\n")
    return field[:60_000] + end + rest


@dataclass(frozen=True)
class Hard:
    """A message, what it becomes on its way, and the enhanced status code where Postfix refuses it."""

    make: Make
    becomes: Change = unchanged
    refused: str = ""


def _mime(token: str, body: bytes, kind: bytes = b'multipart/mixed; boundary="edge"') -> bytes:
    return letter(token, body, b"MIME-Version: 1.0", b"Content-Type: " + kind)


def _nested(token: str, depth: int, *, closed: bool = True) -> bytes:
    """Multiparts in multiparts."""
    opening = b"".join(
        b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (level, level + 1)
        for level in range(depth)
    )
    inner = b"--b%d\r\nContent-Type: text/plain\r\n\r\ndeep\r\n" % depth
    closing = b"".join(b"--b%d--\r\n" % level for level in range(depth, -1, -1)) if closed else b""
    return _mime(token, opening + inner + closing, b'multipart/mixed; boundary="b0"')


def _noise(size: int) -> bytes:
    """Base64 lines that compress badly and are the same each time."""
    raw = b"".join(hashlib.sha512(b"%d" % number).digest()[:57] for number in range(1024))
    lines = base64.encodebytes(raw).replace(b"\n", b"\r\n")
    return (lines * (size // len(lines) + 1))[:size].rpartition(b"\r\n")[0] + b"\r\n"


def _signed(token: str) -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return sign(letter(token, b" two  blanks \t\r\n.\r\n\r\n\r\n"), "sender.example", key)


def _with(*fields: bytes, body: bytes = PLAIN) -> Make:
    return lambda token: letter(token, body, *fields)


def _body(body: bytes) -> Make:
    return lambda token: letter(token, body)


FORGED = (
    b"X-Twinmx-Trace: <hello@alias.example> by mx1.alias.example id 4bXyZ mark aaaaaaaa",
    b"Received: from mx1.alias.example (Postfix) by mx2.alias.example with ESMTP id 4bXyZ; now",
)

MESSAGES: dict[str, Hard] = {
    "empty": Hard(lambda _token: b"", unchanged),
    "no header, text": Hard(lambda token: b"just text with %b\r\nand more\r\n" % token.encode(), headed),
    "no header, an empty line first": Hard(lambda token: b"\r\n%b\r\n" % token.encode()),
    "header alone": Hard(lambda token: letter(token, b"").removesuffix(b"\r\n")),
    "empty body": Hard(_body(b"")),
    "no final newline": Hard(_body(b"the last line has no end"), lambda sent: sent + b"\r\n"),
    "folded values, and a blank before the colon": Hard(
        _with(
            b"X-Folded:\r\n\tone\r\n two\r\n\t \tthree",
            b"x-CASE\t :  kept ",
            b"X-Empty:",
            b"X-Blank: \r\n \t",
        ),
        without_blank_before_colon,
    ),
    "a field without a colon": Hard(_with(b"this is no field"), cut_at(b"this is no field")),
    "a field with a blank name": Hard(_with(b": no name"), cut_at(b": no name")),
    "a folded line first": Hard(lambda token: b" folded into nothing\r\n" + letter(token), headed),
    "a From line of a mailbox": Hard(lambda token: b"From a@b.example Sun Nov 22\r\n" + letter(token)),
    "8 bits in the header": Hard(_with(b"X-Latin: gr\xfc\xdfe \x80\xff", "X-Utf8: grüße €".encode())),
    "control characters in the header": Hard(_with(b"X-Control: a\x01\x02\x07\x1b[2Jb\x7f\tc")),
    "NUL in header and body": Hard(
        _with(b"X-Nul: a\0b", body=b"before\0after\r\n\0\r\n\0\0\0last\r\n"), cut_at_nul
    ),
    "bare LF and CR in the body": Hard(_body(b"one\ntwo\rthree\n\nfour\r\rfive\r\n"), bare_ends),
    "bare LF and CR in the header": Hard(_with(b"X-One: 1\nX-Two: 2\rX-Three: 3"), bare_ends),
    "ends mixed until the last": Hard(_body(b"a\r\nb\nc\rd\n\re\r\n\nf\n\r\n"), bare_ends),
    "dots": Hard(_body(b".\r\n..\r\n...\r\n.a\r\n. \r\n" + b"." * 998 + b"\r\n.\r\n")),
    "lines of 998, 999 and 2048": Hard(
        _body(b"".join(b"x" * size + b"\r\n" for size in (998, 999, 2047, 2048, 2049)))
    ),
    "a line of 1 MB": Hard(_body(b"y" * (1 << 20) + b"\r\n")),
    "a header field of 59 KB": Hard(_with(b"X-Long: " + b"c" * 59_000)),
    "a header field of 70 KB": Hard(_with(b"X-Long: " + b"c" * 70_000), cut_at_most),
    "a header folded 2,000 times": Hard(
        _with(b"References: " + b"\r\n\t".join(b"<%d@a.example>" % n for n in range(2000)))
    ),
    "5,000 header fields": Hard(_with(*(b"X-%04d: a" % number for number in range(5000)))),
    "Received 40 times": Hard(_with(*(b"Received: from a by b id %d; now" % number for number in range(40)))),
    "MIME 20 deep": Hard(lambda token: _nested(token, 20)),
    "MIME 100 deep": Hard(lambda token: _nested(token, 100)),
    "MIME 300 deep, never closed": Hard(lambda token: _nested(token, 300, closed=False), refused="5.6.0"),
    "2,000 MIME parts": Hard(lambda token: _mime(token, b"--edge\r\n\r\nx\r\n" * 2000 + b"--edge--\r\n")),
    "MIME without its boundary": Hard(lambda token: _mime(token, b"nothing of the kind\r\n")),
    "MIME with a boundary of 3 KB": Hard(
        lambda token: _mime(token, b"x\r\n", b'multipart/mixed; boundary="' + b"z" * 3000 + b'"')
    ),
    "MIME of an unknown kind": Hard(lambda token: _mime(token, b"x\r\n", b"multipart/; =;;\r\n\tboundary")),
    "base64 that is none": Hard(
        lambda token: letter(
            token, b"=$%&\r\n====\r\nAA=A\r\n", b"MIME-Version: 1.0", b"Content-Transfer-Encoding: base64"
        )
    ),
    "UTF-16": Hard(
        lambda token: letter(
            token,
            "Schöne Grüße\r\n".encode("utf-16-le").replace(b"\r\0\n\0", b"\r\n") + b"\r\n",
            b"Content-Type: text/plain; charset=utf-16",
        ),
    ),
    "a message in a message, 50 deep": Hard(
        lambda token: letter(
            token, b"Content-Type: message/rfc822\r\n\r\n" * 50 + b"x\r\n", b"Content-Type: message/rfc822"
        )
    ),
    "10 MB": Hard(_body(_noise(10 << 20))),
    "signed": Hard(_signed),
    "forged marks of ours": Hard(_with(*FORGED)),
}
