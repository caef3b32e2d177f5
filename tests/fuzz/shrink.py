"""Make an input that fails as small as it goes, so that it can be read and kept as a unit test."""

from collections.abc import Callable

Check = Callable[[bytes], None]


def failure(check: Check, data: bytes) -> str | None:
    """How `check` fails on `data`: the kind of the error and its place; None where it does not."""
    try:
        check(data)
    except Exception as error:
        frame = error.__traceback__
        while frame and frame.tb_next:
            frame = frame.tb_next
        assert frame is not None
        return f"{type(error).__name__} at {frame.tb_frame.f_code.co_name}:{frame.tb_lineno}"
    return None


def shrink(check: Check, data: bytes) -> bytes:
    """Cut pieces out, large ones first, while `check` fails in the same way; then put plain letters in."""
    same = failure(check, data)
    assert same is not None, "it does not fail"
    size = len(data) // 2
    while size:
        start = 0
        while start < len(data):
            shorter = data[:start] + data[start + size :]
            if failure(check, shorter) == same:
                data = shorter
            else:
                start += size
        size //= 2
    for position in range(len(data)):
        plain = data[:position] + b"a" + data[position + 1 :]
        if failure(check, plain) == same:
            data = plain
    return data
