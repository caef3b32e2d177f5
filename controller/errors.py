"""How a command of the controller ends when it cannot go on."""


class ControllerError(Exception):
    """A step failed; the message says which, and what to do next."""
