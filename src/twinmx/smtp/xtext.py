"""xtext (RFC 3461 section 4), the encoding of attribute values in XFORWARD."""

import re

_ENCODED = re.compile(rb"(?:[!-*,-<>-~\x80-\xff]|\+[0-9A-F]{2})*")
_PLAIN = re.compile(r"[!-*,-<>-~]*")
_TOKEN = re.compile(rb"\+([0-9A-F]{2})")


def decode(value: str) -> str:
    """Decode xtext; raises `ValueError` for what is not xtext, not UTF-8 or holds a control character."""
    if _PLAIN.fullmatch(value):
        return value
    raw = value.encode()
    if not _ENCODED.fullmatch(raw):
        raise ValueError("not xtext")
    text = _TOKEN.sub(lambda match: bytes([int(match[1], 16)]), raw).decode()
    if any(character < " " or character == "\x7f" for character in text):
        raise ValueError("control character in xtext")
    return text
