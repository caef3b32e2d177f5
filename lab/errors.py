"""The one error the lab shows to its user: what went wrong, and the way out."""


class LabError(Exception):
    """A step failed. `cause` is what was seen; `way_out` is what the reader can do about it."""

    def __init__(self, cause: str, way_out: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.way_out = way_out
