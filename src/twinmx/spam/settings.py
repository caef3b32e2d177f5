"""The spam chain's table in the settings of a program, and the engines it names."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, IPvAnyAddress, model_validator

from twinmx.program.settings import Port, Seconds, Table
from twinmx.spam.engine import Engine
from twinmx.spam.rspamd import RspamdEngine
from twinmx.spam.spamassassin import SpamAssassinEngine

EngineName = Literal["rspamd", "spamassassin"]


class Rspamd(Table):
    """Rspamd's normal worker: a `url` (http://address:port) or a unix `socket`, one of the two."""

    url: str | None = Field(default=None, pattern=r"^https?://[^/]+/?$")
    socket: Path | None = None
    budget_seconds: Seconds

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.socket is None):
            raise ValueError("give url or socket, one of the two")
        return self


class SpamAssassin(Table):
    """SpamAssassin's spamd."""

    address: IPvAnyAddress
    port: Port
    budget_seconds: Seconds


class Spam(Table):
    """The spam chain.

    `engines` gives the order, and may be empty. From `reject_score` on a message is spam.
    Engines see the first `max_scan_bytes` of a message.
    """

    engines: tuple[EngineName, ...]
    total_seconds: Seconds
    reject_score: float = Field(gt=0, allow_inf_nan=False)
    max_scan_bytes: int = Field(ge=4096, le=1 << 30)
    rspamd: Rspamd | None = None
    spamassassin: SpamAssassin | None = None

    @model_validator(mode="after")
    def _engines_fit(self) -> Self:
        if len(set(self.engines)) != len(self.engines):
            raise ValueError(f"engines names one twice: {', '.join(self.engines)}")
        for name in self.engines:
            table = self.rspamd if name == "rspamd" else self.spamassassin
            if table is None:
                raise ValueError(f"engines names {name}, so a table [spam.{name}] is needed")
            if table.budget_seconds >= self.total_seconds:
                raise ValueError(
                    f"{name}.budget_seconds {table.budget_seconds:g} must be less than"
                    f" total_seconds {self.total_seconds:g}"
                )
        return self


def engines_of(spam: Spam) -> list[Engine]:
    """Return the engines that `spam` names, in its order."""
    made: list[Engine] = []
    for name in spam.engines:
        if name == "rspamd" and (rspamd := spam.rspamd):
            made.append(
                RspamdEngine(budget_seconds=rspamd.budget_seconds, url=rspamd.url, socket=rspamd.socket)
            )
        elif name == "spamassassin" and (assassin := spam.spamassassin):
            made.append(
                SpamAssassinEngine(
                    budget_seconds=assassin.budget_seconds,
                    address=str(assassin.address),
                    port=assassin.port,
                )
            )
    return made
