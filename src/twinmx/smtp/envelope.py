"""What one SMTP transaction is made of, and what it is answered with."""

import re
from dataclasses import dataclass, field

_MAX_TEXT = 400
_UNPRINTABLE = re.compile(r"[^ -~]")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT command; `notify` and `orcpt` are the DSN parameters of RFC 3461, as they came."""

    address: str
    notify: str | None = None
    orcpt: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The outside client as Postfix reports it by XFORWARD; None for what it does not know."""

    name: str | None = None
    address: str | None = None
    port: str | None = None
    proto: str | None = None
    helo: str | None = None
    ident: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything of a transaction but the message.

    `sender` is empty for the null sender. `body`, `ret` and `envid` are the MAIL parameters of
    RFC 6152 and RFC 3461 as they came, `size` is the announced one in bytes (RFC 1870).
    """

    sender: str
    recipients: tuple[Recipient, ...]
    body: str | None = None
    smtputf8: bool = False
    size: int | None = None
    ret: str | None = None
    envid: str | None = None
    helo: str = ""
    peer: str = ""
    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply with its enhanced status code (RFC 2034); `enhanced` may be empty."""

    code: int
    enhanced: str
    text: str

    @property
    def accepted(self) -> bool:
        """The command did what it was for (2yz) or may go on (3yz)."""
        return self.code < 400  # noqa: PLR2004 - RFC 5321 section 4.2.1

    @property
    def permanent(self) -> bool:
        """The same command will fail again (5yz)."""
        return self.code >= 500  # noqa: PLR2004 - RFC 5321 section 4.2.1

    def encode(self, *, more: bool = False) -> bytes:
        """Return the reply as a line on the wire; `more` lines follow. Unprintable becomes `?`."""
        text = _UNPRINTABLE.sub("?", self.text[:_MAX_TEXT])
        enhanced = f"{self.enhanced} " if self.enhanced else ""
        return f"{self.code}{'-' if more else ' '}{enhanced}{text}\r\n".encode()

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)
