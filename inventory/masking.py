"""The last line of defence: no secret leaves this process by its output, whoever prints it.

Nothing here is meant to print a secret. But a checker on a host may quote the line that it refuses, and a
traceback the value that it choked on; so what this process writes is searched for every secret that it has
read, also as it looks in JSON, in a shell's or SQL's quotes, in a URL and in base64.
"""

import base64
import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import TextIO
from urllib.parse import quote

MASK = "[a secret]"
SHORTEST = 8
"""Characters: a shorter text would be found where it is no secret. No secret is that short."""

_hidden: set[str] = set()


def hide(*secrets: str) -> None:
    """From now on show none of `secrets`."""
    _hidden.update(form for secret in secrets for form in forms(secret))
    _pattern.cache_clear()


def masked(text: str) -> str:
    """`text` without secrets."""
    return _pattern().sub(MASK, text) if _hidden else text


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(_hidden, key=len, reverse=True))))


def forms(secret: str) -> set[str]:
    """How a secret may look in an output; none for one too short to be told from other text."""
    if "\n" in secret:  # a key in PEM: each line of its own, but not what frames it
        lines = (line.strip() for line in secret.splitlines())
        return {form for line in lines if not line.startswith("-----") for form in forms(line)}
    once = _quoted(secret)
    twice = {form for written in once for form in _quoted(written)}  # repr() of it in a shell's quotes
    return {form for form in {*twice, *_in_base64(secret.encode())} if len(form) >= SHORTEST}


def _quoted(text: str) -> set[str]:
    return {
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        text.replace("'", "'\"'\"'"),
        text.replace("'", "''"),
        quote(text, safe=""),
    }


def _in_base64(secret: bytes) -> Iterator[str]:
    """Base64 of a text that holds the secret somewhere: what does not depend on the text around it."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret).decode()
        first, rest = (before * 8 + 5) // 6, (before + len(secret)) % 3
        yield encoded[first : len(encoded) - (4 if rest else 0)]


def mask_output() -> None:
    """Have standard output and error of this process masked, and pyinfra's debug log."""
    for stream in (sys.stdout, sys.stderr):
        _mask(stream)
    if cli := sys.modules.get("pyinfra_cli.exceptions"):
        cli.UnexpectedMixin.get_exception = _masking(cli.UnexpectedMixin.get_exception)


def _mask(stream: TextIO) -> None:
    """In place, so that who holds the stream already is masked as well."""
    write = stream.write
    stream.write = lambda text: write(masked(text))  # type: ignore[method-assign]


def _masking(method: Callable[..., str]) -> Callable[..., str]:
    return lambda *given: masked(method(*given))
