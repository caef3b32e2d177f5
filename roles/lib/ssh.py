"""Let SSH commands leave at once.

paramiko leaves Nagle's algorithm on, so each command of a converge waits for the peer's delayed
acknowledgement (about 40 ms, RFC 896 with RFC 1122 section 4.2.3.2). OpenSSH's own client switches it
off as well for interactive sessions.
"""

import socket
from typing import Any

from paramiko.transport import Transport

_start_client = Transport.start_client


def _start_client_without_delay(self: Transport, *args: Any, **kwargs: Any) -> None:
    if isinstance(self.sock, socket.socket):  # a ProxyCommand is a pipe, without that option
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _start_client(self, *args, **kwargs)


def send_without_delay() -> None:
    """Set TCP_NODELAY on every SSH connection opened from now on by this process."""
    Transport.start_client = _start_client_without_delay  # type: ignore[method-assign]
