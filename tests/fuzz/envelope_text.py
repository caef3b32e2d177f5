"""What the SMTP dialogue hands on of a line: UTF-8 without control characters. It refuses all other lines."""

CONTROLS = {*map(chr, range(32)), "\x7f"}


def text_of(data: bytes) -> str | None:
    """The text, None where the dialogue would have refused it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if CONTROLS & set(text) else text
