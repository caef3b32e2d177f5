"""One message through one exchanger, from the outside MTA to a mailbox outside."""

from inventory.schema import Exchange, Exchanger
from lab.mailbox import Arrived, Mailboxes, new_token
from lab.send import message, submit
from lab.settings import HOSTS, PROBE_MAILBOX


def delivered(exchange: Exchange, through: Exchanger | None = None, seconds: float = 30) -> Arrived:
    """Send to the probe's alias, by MX or `through` one exchanger.

    Raises LabError when nothing has arrived within `seconds`.
    """
    token = new_token()
    alias = f"hello@{exchange.domains[0]}"
    host = next(host for host in HOSTS if host.address == through.address) if through else None
    submit(message(token, alias), [alias], through=host)
    return Mailboxes().wait(token, PROBE_MAILBOX, seconds)
