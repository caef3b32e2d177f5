"""The lab, reached as paramiko comes, with Nagle's algorithm on, and operations numbered as pyinfra comes."""

from paramiko.transport import Transport
from pyinfra.api import util

_connecting = Transport.start_client
_numbering = {name: vars(util)[name] for name in ("stack", "getframeinfo")}

from inventory.lab import controller, exchangers  # noqa: E402, F401 (pyinfra reads these names)

Transport.start_client = _connecting  # type: ignore[method-assign]
vars(util).update(_numbering)
