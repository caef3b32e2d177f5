"""Packets of the milter protocol, version 6: cut out of a stream, and put together.

A packet is a 32-bit length in network order, one byte that says what it is, and its data. Source:
libmilter/mfdef.h of Sendmail 8.14 and later for the letters and bits; milter8.c of Postfix for what it
makes of them. Text is bytes of strangers here: nothing is decoded that need not be.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_PACKET = 4 << 20
"""Bytes of the longest packet taken: a header field of Postfix may have 1 MB (its header_size_limit)."""

VERSION = 6

_LENGTH = struct.Struct("!I")
_HEAD = struct.Struct("!Ic")
_NEGOTIATION = struct.Struct("!III")


class Command:
    """What the transfer agent says: the letter of a packet."""

    NEGOTIATE, MACROS, CONNECT, HELO, MAIL, RCPT = b"O", b"D", b"C", b"H", b"M", b"R"
    DATA, HEADER, END_OF_HEADER, BODY, END = b"T", b"L", b"N", b"B", b"E"
    ABORT, QUIT, QUIT_NEW, UNKNOWN = b"A", b"Q", b"K", b"U"


class Action:
    """What a filter may do to a message (SMFIF_…)."""

    ADD_HEADERS, SET_MACROS = 0x01, 0x100


class Option:
    """What a filter need not be told (NO_…), and where no answer is waited for (SILENT_…) (SMFIP_…)."""

    NO_END_OF_HEADER, NO_UNKNOWN, NO_DATA = 0x40, 0x100, 0x200
    SILENT_HEADER, SILENT_CONNECT, SILENT_HELO, SILENT_MAIL = 0x80, 0x1000, 0x2000, 0x4000
    SILENT_BODY = 0x80000
    LEADING_SPACE = 0x100000  # the value of a field comes with the blank that is before it


class ProtocolError(Exception):
    """The peer does not speak the protocol."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the transfer agent can do."""

    version: int
    actions: int
    options: int


class Splitter:
    """Cuts a stream into packets, however the network has divided it."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take in `data`; yields the letter and data of each packet that is whole now.

        Raises `ProtocolError` for a length that cannot be.
        """
        data = self._rest + data if self._rest else data
        start, end = 0, len(data)
        while end - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data, start)
            if not 1 <= length <= MAX_PACKET:
                raise ProtocolError(f"a packet of {length} bytes")
            following = start + _LENGTH.size + length
            if following > end:
                break
            yield data[start + 4 : start + 5], data[start + 5 : following]
            start = following
        self._rest = data[start:]


def strings(data: bytes) -> list[bytes]:
    """Return the strings of a packet, each of which ends with NUL; raises `ProtocolError`."""
    if not data.endswith(b"\0"):
        raise ProtocolError("a string without its end")
    return data[:-1].split(b"\0")


def offer_of(data: bytes) -> Offer:
    """Read the transfer agent's negotiation; raises `ProtocolError`."""
    try:
        return Offer(*_NEGOTIATION.unpack_from(data))
    except struct.error as error:
        raise ProtocolError("a negotiation that is too short") from error


def macros_of(data: bytes) -> dict[bytes, bytes]:
    """Read the macros of a packet, names without braces; raises `ProtocolError`."""
    if len(data) <= 1:
        return {}
    words = strings(data[1:])
    if len(words) % 2:
        raise ProtocolError("a macro without a value")
    return {name.strip(b"{}"): value for name, value in zip(words[::2], words[1::2], strict=True)}


def client_of(data: bytes) -> tuple[bytes, bytes]:
    """Return name and address of the client that has connected, empty where not known."""
    name, _, rest = data.partition(b"\0")
    family, address = rest[:1], rest[3:].removesuffix(b"\0")
    return name, address.removeprefix(b"IPv6:") if family in (b"4", b"6") else b""


def packet(letter: bytes, data: bytes = b"") -> bytes:
    """Put a packet together."""
    return _HEAD.pack(len(data) + 1, letter) + data


def negotiation(version: int, actions: int, options: int, macros: Mapping[int, bytes]) -> bytes:
    """The filter's side of the negotiation; `macros` names those wanted, by stage (SMFIM_…)."""
    wanted = b"".join(_LENGTH.pack(stage) + names + b"\0" for stage, names in macros.items())
    return packet(b"O", _NEGOTIATION.pack(version, actions, options) + wanted)
