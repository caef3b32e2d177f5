"""What tells one message in a queue of Postfix from another, whatever its file is called.

A queue file is a row of records: a type, a length, data (Postfix: rec_type.h, record.c). Where a milter has
changed a header, a pointer is written over its begin, and what follows in the file is the rest of a record:
like Postfix one must go where the pointer leads. Some records change while the message waits: a recipient
that has got it is marked, room that was left is used, sizes and pointers are filled in, the time to warn the
sender is struck out when that is done. The others (times, addresses, the content with the Received field of
its own session) are the same in every copy of the file, early or late, and in no other message.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO

SIZE, END, DONE, CANCELLED, TO_DO = b"C", b"E", b"D", b"/", b"R"
WARN, KILLED, POINTER = b"W", b"K", b"p"
_CHANGING = (SIZE, POINTER, b"w", WARN, KILLED)
_LENGTH_BYTES = 5  # record.c reads no more into an int


class DamagedError(Exception):
    """It is no whole queue file; Postfix would put it aside as corrupt."""


def identity(path: Path) -> str:
    """The SHA-256 (hex) of what never changes; raises `DamagedError`, `OSError`."""
    digest, ended, first = sha256(), False, True
    with path.open("rb") as file:
        for kind, data in _records(file):
            if first and kind != SIZE:
                raise DamagedError("it does not begin as a queue file does")
            first, ended = False, ended or kind == END
            if kind not in _CHANGING:
                digest.update((TO_DO if kind in (DONE, CANCELLED) else kind) + len(data).to_bytes(8) + data)
    if not ended:
        raise DamagedError("its end is missing")
    return digest.hexdigest()


def _records(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each record up to the end of the message, in the order in which Postfix reads them."""
    followed: set[int] = set()
    while kind := file.read(1):
        length = _length(file)
        data = file.read(length)
        if len(data) < length:
            raise DamagedError("it ends within a record")
        yield kind, data
        if kind == END:
            return
        if kind == POINTER and (target := _target(data)):
            if target in followed:
                raise DamagedError("its pointers lead in a circle")
            followed.add(target)
            file.seek(target)


def _length(file: IO[bytes]) -> int:
    length = 0
    for shift in range(_LENGTH_BYTES):
        byte = file.read(1)
        if not byte:
            raise DamagedError("it ends within a record")
        length |= (byte[0] & 0x7F) << (7 * shift)
        if byte[0] < 0x80:  # noqa: PLR2004 - the eighth bit says that more follow
            break
    return length


def _target(data: bytes) -> int:
    """Where a pointer leads; 0: it is only room for one, and the next record follows."""
    try:
        return int(data)
    except ValueError:
        raise DamagedError("a pointer in it is no number") from None
