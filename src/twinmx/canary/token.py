"""What tells a canary's message from every other: a line in its header that only we can have written."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from twinmx.keyed_hash import is_ours, keyed_hash

HEADER = "X-Twinmx-Canary"

Letter = Literal["ham", "gtube"]
LETTERS: tuple[Letter, ...] = ("ham", "gtube")

_PURPOSE = "canary"
_NONCE_BYTES = 16
_NAME = r"[a-z][a-z0-9]{0,62}"
_WRITTEN = re.compile(
    rf"home=({_NAME}); via=({_NAME}); letter=(ham|gtube); id=([0-9a-f]{{32}}); mark=([a-z2-7]{{8}})"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One message: sent by the host `home` through the exchanger `via`, both by their short names."""

    home: str
    via: str
    letter: Letter
    nonce: str

    @classmethod
    def new(cls, home: str, via: str, letter: Letter) -> "Token":
        """Return a token that was never there before."""
        return cls(home, via, letter, secrets.token_hex(_NONCE_BYTES))


class Signer:
    """Writes and reads tokens. The first of `keys` signs, every one verifies (rotation)."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def write(self, token: Token) -> str:
        """Return the value of the header field for `token`."""
        mark = keyed_hash(self._keys[0], _PURPOSE, token.home, token.via, token.letter, token.nonce)
        return f"home={token.home}; via={token.via}; letter={token.letter}; id={token.nonce}; mark={mark}"

    def read(self, value: str) -> Token | None:
        """Return the token that `write` made `value` of, with one of our keys; None for anything else."""
        found = _WRITTEN.fullmatch(value)
        if found is None:
            return None
        home, via, letter, nonce, mark = found.groups()
        if not is_ours(mark, self._keys, _PURPOSE, home, via, letter, nonce):
            return None
        return Token(home, via, "ham" if letter == "ham" else "gtube", nonce)
