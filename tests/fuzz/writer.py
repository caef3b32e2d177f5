"""Where a server under search writes: memory instead of a socket."""


class Writer:
    """The part of a stream writer that our servers use."""

    def __init__(self) -> None:
        self.said = b""

    def write(self, data: bytes) -> None:
        """Keep what is said."""
        self.said += data

    async def drain(self) -> None:
        """Never wait."""

    def close(self) -> None:
        """Nothing to let go of."""
