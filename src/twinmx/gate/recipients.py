"""What is answered to RCPT: whether alias and mailbox are on, and whether one more message may come now.

Who exists is decided by Postfix before the gate is asked. What cannot be known here is accepted: a fault of
ours never refuses mail.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from twinmx.addresses import fold, split
from twinmx.aliases.snapshot import Snapshot, SnapshotError
from twinmx.limits.limiter import Admission, Limiter
from twinmx.srs import is_srs

CANARY = "canary"
"""The outcome of a recipient that is the canary's: it is scanned like any other, and counts for nobody."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One recipient: `outcome` is one word for logs and metrics, `reply` is None where it is accepted.

    owner: who is flooded where it is over a limit, the account, or the alias that has none.
    """

    outcome: str
    reply: str | None = None
    account: str | None = None
    admission: Admission | None = None
    owner: str | None = None


class Recipients:
    """Judges recipients; without `limits`, and for `canaries`, nothing is counted and no limit refuses."""

    def __init__(
        self,
        snapshot: Snapshot,
        limits: Limiter | None,
        *,
        disabled_text: str,
        mailbox_disabled_text: str,
        limit_text: str,
        canaries: Set[str] = frozenset(),
    ) -> None:
        self._snapshot = snapshot
        self._limits = limits
        self._disabled = f"550 {disabled_text}"
        self._mailbox_disabled = f"550 {mailbox_disabled_text}"
        self._over = f"550 {limit_text}"
        self._canaries = canaries

    async def judge(self, sender: str, recipient: str) -> Judgement:
        """Return what becomes of one recipient, in its canonical form; a `sender` is empty when null."""
        if is_srs(split(recipient)[0]):
            return await self._judge_return(sender, recipient)
        try:
            alias = self._snapshot.lookup(recipient)
        except SnapshotError:
            return Judgement("no-snapshot")
        if alias is None:
            return await self._count(fold(recipient), (), None, sender, accepted="unknown")
        if not alias.enabled:
            return Judgement("disabled", self._disabled, alias.account)
        if not (mailboxes := alias.mailboxes_in_use):
            return Judgement("mailbox-disabled", self._mailbox_disabled, alias.account)
        accepted = CANARY if alias.address in self._canaries else "accepted"
        return await self._count(alias.address, mailboxes, alias.account, sender, accepted=accepted)

    async def release(self, admission: Admission) -> None:
        """Take back what was counted for a message that is not accepted after all."""
        if self._limits is not None:
            await self._limits.release(admission)

    async def _judge_return(self, sender: str, recipient: str) -> Judgement:
        """A rewritten sender: bounces have a wide window, other mail counts as that of an alias."""
        accepted = "accepted" if sender else "bounce"
        return await self._count(fold(recipient), (), None, sender, bounce=not sender, accepted=accepted)

    async def _count(
        self,
        alias: str,
        mailboxes: Sequence[str],
        account: str | None,
        sender: str,
        *,
        bounce: bool = False,
        accepted: str = "accepted",
    ) -> Judgement:
        if self._limits is None or accepted == CANARY:
            return Judgement(accepted, None, account)
        admission = await self._limits.admit(alias, mailboxes, account=account, sender=sender, bounce=bounce)
        if admission.allowed:
            return Judgement(accepted, None, account, admission)
        owner = account or (alias if mailboxes else None)
        return Judgement(f"over-{admission.over}", self._over, account, owner=owner)
