"""Where a recipient's mail goes on to, and under whose name."""

from collections.abc import Collection, Set
from dataclasses import dataclass

from twinmx.addresses import fold, split
from twinmx.aliases.snapshot import Snapshot
from twinmx.smtp.envelope import Reply
from twinmx.srs import Srs, SrsError, is_srs


@dataclass(frozen=True, slots=True)
class Route:
    """A forward: `recipient` is ours, in folded case; `sender` is the rewritten one.

    `back` says that it leads to a rewritten sender: a bounce, as a rule. `canary`: it counts for no user.
    """

    recipient: str
    sender: str
    mailboxes: tuple[str, ...]
    account: str | None = None
    back: bool = False
    canary: bool = False


class Refused(Exception):  # noqa: N818 - an answer to the client, not a fault
    """The message goes nowhere, and the client hears `reply`; `outcome` is one word for logs and metrics."""

    def __init__(self, outcome: str, reply: Reply) -> None:
        super().__init__(str(reply))
        self.outcome = outcome
        self.reply = reply


class Router:
    """Finds routes in the snapshot, and in rewritten senders of ours; `canaries` are the canary's aliases."""

    def __init__(
        self, snapshot: Snapshot, srs: Srs, domains: Collection[str], canaries: Set[str] = frozenset()
    ) -> None:
        self._snapshot = snapshot
        self._srs = srs
        self._domains = frozenset(domains)
        self._canaries = canaries

    def route(self, sender: str, recipient: str) -> Route:
        """Return the route of a message; raises `Refused`, or `SnapshotError` where it is not known."""
        local, domain = split(fold(recipient))
        if is_srs(local):
            return self._route_back(sender, recipient, domain)
        alias = self._snapshot.lookup(recipient)
        if alias is None:
            raise Refused("unknown", Reply(550, "5.1.1", f"<{recipient}>: no such alias here"))
        if not alias.enabled:
            raise Refused("disabled", Reply(550, "5.1.1", f"<{recipient}>: this alias is disabled"))
        if not (mailboxes := alias.mailboxes_in_use):
            text = f"<{recipient}>: the mailbox behind this alias is disabled"
            raise Refused("mailbox-disabled", Reply(550, "5.2.1", text))
        return Route(
            alias.address,
            self._rewrite(sender, domain),
            mailboxes,
            alias.account,
            canary=alias.address in self._canaries,
        )

    def srs_original(self, recipient: str) -> str | None:
        """Return the address behind a rewritten sender of ours, None where it is none (any more)."""
        if split(fold(recipient))[1] not in self._domains:
            return None
        try:
            return self._srs.reverse(recipient)
        except SrsError:
            return None

    def _route_back(self, sender: str, recipient: str, domain: str) -> Route:
        original = self.srs_original(recipient)
        if original is None:
            raise Refused(
                "srs", Reply(550, "5.1.1", f"<{recipient}>: not a sender address of ours, or too old")
            )
        return Route(fold(recipient), self._rewrite(sender, domain), (original,), back=True)

    def _rewrite(self, sender: str, domain: str) -> str:
        try:
            return self._srs.rewrite(sender, domain)
        except SrsError as error:
            raise Refused("sender", Reply(550, "5.1.7", str(error))) from error
