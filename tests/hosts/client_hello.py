"""A ClientHello of our own making (RFC 5246, 7.4.1.2): it offers what no library does any more.

Python's OpenSSL cannot ask for SSL 3, export ciphers or compression: that a server refuses them is only seen
by who offers them in raw bytes. The first answer decides: a ServerHello accepts, an alert or a closed
connection refuses.
"""

import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

HANDSHAKE, ALERT = 22, 21
SERVER_HELLO = 2
SSL3, TLS10, TLS11, TLS12 = 0x0300, 0x0301, 0x0302, 0x0303
RENEGOTIATION_INFO = 0xFF01
GROUPS = (0x001D, 0x0017, 0x0018, 0x0019)
SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0601, 0x0203, 0x0201)
DEFLATE, NO_COMPRESSION = 1, 0


@dataclass(frozen=True)
class ServerHello:
    """What a server chose. version and cipher are their numbers at IANA."""

    version: int
    cipher: int
    compression: int
    extensions: frozenset[int]


def _vector(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _numbers(numbers: Sequence[int]) -> bytes:
    return b"".join(struct.pack(">H", number) for number in numbers)


def client_hello(
    version: int, ciphers: Sequence[int], *, name: str, compressions: Sequence[int] = (NO_COMPRESSION,)
) -> bytes:
    """The record that offers nothing newer than `version`, and exactly these ciphers."""
    extensions = {
        0: _vector(b"\x00" + _vector(name.encode("ascii"), 2), 2),  # server_name
        10: _vector(_numbers(GROUPS), 2),
        11: b"\x01\x00",  # ec_point_formats
        13: _vector(_numbers(SIGNATURES), 2),
        RENEGOTIATION_INFO: b"\x00",
    }
    packed = b"".join(struct.pack(">H", kind) + _vector(data, 2) for kind, data in extensions.items())
    body = struct.pack(">H", version) + os.urandom(32) + _vector(b"", 1)
    body += _vector(_numbers(ciphers), 2) + _vector(bytes(compressions), 1)
    if version > SSL3:
        body += _vector(packed, 2)
    handshake = b"\x01" + _vector(body, 3)
    return bytes([HANDSHAKE]) + struct.pack(">H", min(version, TLS10)) + _vector(handshake, 2)


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            raise ConnectionError("closed")
        found += part
    return found


def answer(connection: socket.socket, hello: bytes) -> ServerHello | None:
    """What the server takes of `hello`; None where it refuses."""
    try:
        connection.sendall(hello)
        kind, _, length = struct.unpack(">BHH", _exactly(connection, 5))
        record = _exactly(connection, length)
    except ConnectionError:
        return None
    if kind != HANDSHAKE or record[0] != SERVER_HELLO:
        return None
    return _parsed(record[4:])


def _parsed(body: bytes) -> ServerHello:
    version = int.from_bytes(body[:2], "big")
    rest = body[35 + body[34] :]
    cipher, compression = struct.unpack(">HB", rest[:3])
    extensions, packed = set(), rest[5:]
    while len(packed) >= 4:
        kind, length = struct.unpack(">HH", packed[:4])
        extensions.add(kind)
        packed = packed[4 + length :]
    return ServerHello(version, cipher, compression, frozenset(extensions))
