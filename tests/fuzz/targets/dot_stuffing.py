"""The bytes after DATA: what is stuffed comes back, in whatever pieces, and nothing else ends a message."""

from twinmx.smtp.dots import DataReader, stuff

LIMIT = 200
SEEDS = (b"\x03hello\r\n.\r\nMAIL FROM:<>\r\n", b"\x01.\r\n..\r\n\n.\n\r.\r\r\n.", b"\x07" + b".\r\n" * 90)
TOKENS = (b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"..", b"\r\n", b".")


def _read(wire: bytes, step: int) -> tuple[bytes | None, bytes] | None:
    reader = DataReader(LIMIT)
    for start in range(0, len(wire), step):
        rest = reader.feed(wire[start : start + step])
        if rest is not None:
            return reader.message(), rest + wire[start + step :]
    return None


def one_input(data: bytes) -> None:
    """The first byte says into how large pieces the network cuts the rest."""
    step, content = (data[0] % 16 + 1, data[1:]) if data else (1, b"")
    assert _read(content, step) == _read(content, max(1, len(content))), "it depends on the pieces"
    whole = content if not content or content.endswith(b"\r\n") else content + b"\r\n"
    read = _read(stuff(content) + b"QUIT\r\n", step)
    assert read == (whole if len(whole) <= LIMIT else None, b"QUIT\r\n"), read
