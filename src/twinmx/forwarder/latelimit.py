"""The limit of June 2021, after the queue: over it the message is deferred. Only to replay the incident.

With the inventory's default the gate refuses before the queue, and the forwarder limits nothing.
"""

from prometheus_client import CollectorRegistry

from twinmx.forwarder.routing import Refused, Route
from twinmx.limits.limiter import Admission, Limiter
from twinmx.limits.settings import Limits
from twinmx.smtp.envelope import Reply


class LateLimit:
    """Admits messages to their route, or has Postfix keep them."""

    def __init__(self, settings: Limits, password: str, registry: CollectorRegistry) -> None:
        self._limiter = Limiter(settings, password, registry)
        enhanced, _, text = settings.text.partition(" ")
        self._reply = Reply(settings.answer, f"4{enhanced[1:]}", text)

    async def admit(self, route: Route, sender: str) -> Admission:
        """Count the message; raises `Refused` over the limit."""
        admission = await self._limiter.admit(
            route.recipient, route.mailboxes, account=route.account, sender=sender
        )
        if not admission.allowed:
            raise Refused("limited", self._reply)
        return admission

    async def release(self, admission: Admission) -> None:
        """Forget a message that was not accepted after all."""
        await self._limiter.release(admission)

    async def close(self) -> None:
        """Let go of the counters."""
        await self._limiter.close()
