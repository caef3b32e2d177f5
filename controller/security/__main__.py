"""`python -m controller.security INVENTORY`: what listens on its first exchanger, into docs/security.md."""

import sys

from controller import pyinfra
from controller.errors import ControllerError
from controller.remote import Remote
from controller.security.asking import ask
from controller.security.document import DOCUMENT, write
from controller.security.sockets import rows


def main(inventory: str) -> None:
    """Ask the host over SSH, as the inventory says it is reached."""
    hosts = pyinfra.inventory_hosts(inventory)
    exchange = pyinfra.exchange(inventory)
    name = next(iter(exchange.exchangers))
    found = rows(ask(Remote(name, hosts[name]).run), exchange, exchange.exchangers[name])
    write(found)
    print(f"{DOCUMENT.relative_to(pyinfra.ROOT)}: {len(found)} sockets of {name}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:2] or ["inventory/lab.py"])
    except ControllerError as error:
        sys.exit(f"✗ {error}")
