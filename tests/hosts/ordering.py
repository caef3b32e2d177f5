"""Certificates of the lab's exchangers from its own authority that speaks ACME (Pebble)."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from inventory.acme import Acme
from inventory.schema import Exchange
from lab import pki
from lab.settings import ACME_PORT, OUTSIDE


@contextmanager
def ordering(exchange: Exchange, account: Path, certificate: Path, key: Path) -> Iterator[Exchange]:
    """The exchange with these files (`{fqdn}` stands for a host's name), ordering from Pebble.

    Only the lab's resolver knows Pebble's name, so this process is told it.
    """
    look_up = socket.getaddrinfo

    def found(name: Any, *rest: Any, **options: Any) -> Any:
        return look_up(str(OUTSIDE.address) if name == OUTSIDE.fqdn else name, *rest, **options)

    acme = Acme(
        directory=f"https://{OUTSIDE.fqdn}:{ACME_PORT}/dir",
        account_key=str(account),
        authority=str(pki.DIRECTORY / "ca.pem"),
        propagation_seconds=0,
    )
    tls = exchange.tls.model_copy(update={"acme": acme, "certificate": str(certificate), "key": str(key)})
    with patch.object(socket, "getaddrinfo", found):
        yield exchange.model_copy(update={"tls": tls})
