"""The gate's settings: one TOML file, every key typed, unknown ones refused.

A file in which something of ours may take longer than Postfix waits for it is refused. The key that seals
verdicts and Valkey's password are credentials, see `program.credentials`.
"""

from typing import Annotated, Self

from pydantic import Field, IPvAnyAddress, model_validator

from twinmx.limits.settings import Limits
from twinmx.program.settings import Aliases, Domain, Metrics, Port, Seconds, Table
from twinmx.spam.settings import Spam


class Listen(Table):
    """Where the Postfix of this host reaches the gate."""

    address: IPvAnyAddress
    port: Port


RefusalText = Annotated[str, Field(pattern=r"^5\.\d{1,3}\.\d{1,3} [ -~]+$", max_length=400)]


class Recipients(Table):
    """What a sender is told at RCPT, behind the 550: an enhanced status code and a text."""

    disabled_text: RefusalText
    mailbox_disabled_text: RefusalText


class Deadline(Table):
    """How long Postfix waits: for an answer to RCPT, and at the end of a message (milter_…_timeout)."""

    command_seconds: Seconds
    content_seconds: Seconds


class Settings(Table):
    """Everything the gate is told; `host` is the name Postfix has in Received fields.

    `canaries`: the aliases of the canary, whose mail counts for no user.
    """

    host: Domain
    canaries: frozenset[str] = frozenset()
    listen: Listen
    metrics: Metrics
    aliases: Aliases
    recipients: Recipients
    spam: Spam
    limits: Limits
    deadline: Deadline

    @model_validator(mode="after")
    def _deadlines_nest(self) -> Self:
        for inner, seconds, outer, waits in (
            (
                "spam.total_seconds",
                self.spam.total_seconds,
                "deadline.content_seconds",
                self.deadline.content_seconds,
            ),
            (
                "limits.valkey.wait_seconds",
                self.limits.valkey.wait_seconds,
                "deadline.command_seconds",
                self.deadline.command_seconds,
            ),
        ):
            if seconds >= waits:
                raise ValueError(f"{inner} {seconds:g} must be less than {outer} {waits:g}")
        return self
