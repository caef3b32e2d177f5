"""What became of a delivery, and how long it took, from a line of Postfix's log.

The line is that of log_adhoc() and of qmgr(8) in Postfix's source; delays=a/b/c/d is explained in
postconf(5), delay_logging_resolution_limit, and in the release notes of Postfix 2.3. Strangers choose the
addresses in it, so it is read from its beginning and nothing is searched for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from twinmx.queues.settings import InstanceName

Status = Literal["sent", "deferred", "bounced", "expired"]

STAGES = ("before_queue", "in_queue", "connection", "transmission")

_ADDRESS = r'<((?:"(?:[^"\\]|\\.)*+"|[^<>"])*+)>'
_SECONDS = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"
_DELIVERY = re.compile(
    rf"[0-9A-Za-z]+: to={_ADDRESS}, (?:orig_to={_ADDRESS}, )?relay=[^,]*+, (?:conn_use=[0-9]+, )?"
    rf"delay={_SECONDS}, delays={'/'.join([_SECONDS] * len(STAGES))}, dsn=[0-9.]*, "
    r"status=(sent|deferred|bounced)\b"
)
_EXPIRED = re.compile(rf"[0-9A-Za-z]+: from={_ADDRESS}, status=(?:force-)?expired\b")
_SYSLOG_NAME = re.compile(r"([a-z0-9-]+)(?:/([a-z0-9_-]{1,40}))?/([a-z0-9_-]{1,40})")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt for one recipient, or, for `expired`, a message that was given up.

    transport: as in master.cf where that has a syslog_name of its own, else the program. seconds: since
    the message arrived. stages: the same, split as in STAGES; empty for `expired`. addresses: as
    recipient, and as it was before an alias of Postfix; for `expired` the sender.
    """

    instance: InstanceName
    transport: str
    status: Status
    addresses: tuple[str, ...]
    seconds: float
    stages: tuple[float, ...]


class DeliveryLog:
    """Reads lines; `names`: the syslog_name of each instance."""

    def __init__(self, names: Mapping[str, InstanceName]) -> None:
        self._names = names

    def parse(self, identifier: str, text: str) -> Delivery | None:
        """Return the delivery that `text` of the program `identifier` tells of, if any."""
        name = _SYSLOG_NAME.fullmatch(identifier)
        instance = self._names.get(name[1]) if name else None
        if name is None or instance is None:
            return None
        transport = name[2] or name[3]
        if told := _DELIVERY.match(text):
            to, orig_to, delay, *stages, status = told.groups()
            addresses = (to,) if orig_to is None else (to, orig_to)
            seconds = tuple(float(stage) for stage in stages)
            return Delivery(instance, transport, cast(Status, status), addresses, float(delay), seconds)
        if told := _EXPIRED.match(text):
            return Delivery(instance, transport, "expired", (told[1],), 0.0, ())
        return None
