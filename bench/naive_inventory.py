"""The lab, reached as paramiko comes: with Nagle's algorithm on."""

from paramiko.transport import Transport

_as_it_comes = Transport.start_client

from inventory.lab import controller, exchangers  # noqa: E402, F401 (pyinfra reads these names)

Transport.start_client = _as_it_comes  # type: ignore[method-assign]
