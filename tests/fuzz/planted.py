"""A target with a fault in it, to show that the search finds one and makes it small."""

SEEDS = (b"hello there, all is well",)
TOKENS = (b"boom",)


def one_input(data: bytes) -> None:
    """Fail on a text that no seed has."""
    if b"boom" in data and b"!" in data:
        raise ValueError("it went off")
