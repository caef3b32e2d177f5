"""The commands of an SMTP session and the state they build up, without the connection.

Source: RFC 5321 section 4.1, RFC 2034 (enhanced codes), RFC 3461 (DSN), RFC 6531 (SMTPUTF8), and
Postfix's XFORWARD_README.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from twinmx.smtp.budget import Budget, Share
from twinmx.smtp.commands import (
    XFORWARD_ATTRIBUTES,
    CommandError,
    parse_mail,
    parse_rcpt,
    parse_xforward,
)
from twinmx.smtp.dots import DataReader
from twinmx.smtp.envelope import Envelope, Origin, Recipient, Reply

START_DATA = Reply(354, "", "end with CRLF.CRLF")
BYE = Reply(221, "2.0.0", "bye")
TOO_MUCH_IN_HAND = Reply(452, "4.3.1", "too much mail in hand, try again")

_OK = Reply(250, "2.0.0", "ok")
_HELO_NAME = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,255}")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

Verbs = Mapping[str, Callable[[str], Reply]]
"""Commands of the program's own, in upper case: each gets its arguments."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a session: bytes of a message, recipients of a transaction, seconds of silence.

    `max_bytes_in_hand` is for the messages of all sessions together, see `budget`.
    """

    max_message_size: int
    max_recipients: int
    idle_seconds: float
    max_bytes_in_hand: int


class Dialogue:
    """What one client has said so far."""

    def __init__(self, host: str, limits: Limits, verbs: Verbs, budget: Budget) -> None:
        self.peer = ""
        self._host = host
        self._limits = limits
        self._verbs = verbs
        self._helo = ""
        self._share = budget.share()
        self._budget = budget
        self._reset()

    @property
    def in_transaction(self) -> bool:
        """MAIL was accepted and its message has not been taken yet."""
        return self._envelope is not None

    def execute(self, line: bytes) -> tuple[Reply, ...]:
        """Obey one command line (without its CRLF); more than one reply is one multi-line reply."""
        if _CONTROL.search(line):
            return (Reply(500, "5.5.2", "control character in a command"),)
        try:
            verb, _, arguments = line.decode().partition(" ")
        except UnicodeDecodeError:
            return (Reply(500, "5.5.2", "a command is UTF-8"),)
        try:
            answer = self._obey(verb.upper(), arguments.strip(" "))
        except CommandError as error:
            return (error.reply,)
        return answer if isinstance(answer, tuple) else (answer,)

    def _obey(self, verb: str, arguments: str) -> Reply | tuple[Reply, ...]:
        if command := _COMMANDS.get(verb):
            return command(self, arguments)
        if own := self._verbs.get(verb):
            return own(arguments)
        return Reply(500, "5.5.1", "command not known")

    def data_reader(self) -> DataReader:
        """Return what reads the message that follows `START_DATA`."""
        return DataReader(self._limits.max_message_size)

    def take_envelope(self) -> tuple[Envelope, Share]:
        """Return the envelope of the message just received and be ready for the next transaction.

        The message's share of the budget is the caller's to give back.
        """
        envelope = self._envelope
        assert envelope is not None, "a message without MAIL"
        whole = replace(envelope, recipients=tuple(self._recipients))
        share, self._share = self._share, self._budget.share()
        self._reset()
        return whole, share

    def has_room(self, size: int) -> bool:
        """Whether `size` bytes of the message that is arriving may be kept; they are charged then."""
        return self._share.grow(size)

    def leave(self) -> None:
        """Forget everything: the client is gone."""
        self._reset()

    def _reset(self) -> None:
        self._share.give_back()
        self._envelope: Envelope | None = None
        self._recipients: list[Recipient] = []
        self._origin: dict[str, str | None] = {}

    def _helo_command(self, arguments: str) -> Reply:
        self._greet(arguments)
        return Reply(250, "", self._host)

    def _ehlo_command(self, arguments: str) -> tuple[Reply, ...]:
        self._greet(arguments)
        keywords = (
            self._host,
            "PIPELINING",
            f"SIZE {self._limits.max_message_size}",
            "8BITMIME",
            "SMTPUTF8",
            "DSN",
            "ENHANCEDSTATUSCODES",
            f"XFORWARD {' '.join(XFORWARD_ATTRIBUTES)}",
            *self._verbs,
        )
        return tuple(Reply(250, "", keyword) for keyword in keywords)

    def _greet(self, name: str) -> None:
        if not _HELO_NAME.fullmatch(name):
            raise CommandError(Reply(501, "5.5.4", "a host name is needed"))
        self._helo = name
        self._reset()

    def _mail_command(self, arguments: str) -> Reply:
        if not self._helo:
            return Reply(503, "5.5.1", "EHLO first")
        if self._envelope is not None:
            return Reply(503, "5.5.1", "MAIL was given already")
        envelope = parse_mail(
            arguments,
            self._limits.max_message_size,
            helo=self._helo,
            peer=self.peer,
            origin=Origin(**self._origin),
        )
        if not self._share.grow(envelope.size or 0):
            return TOO_MUCH_IN_HAND
        self._envelope = envelope
        return Reply(250, "2.1.0", "ok")

    def _rcpt_command(self, arguments: str) -> Reply:
        envelope = self._envelope
        if envelope is None:
            return Reply(503, "5.5.1", "MAIL first")
        recipient = parse_rcpt(arguments, smtputf8=envelope.smtputf8)
        if len(self._recipients) >= self._limits.max_recipients:
            return Reply(452, "4.5.3", "too many recipients in one transaction")
        self._recipients.append(recipient)
        return Reply(250, "2.1.5", "ok")

    def _data_command(self, _arguments: str) -> Reply:
        if self._envelope is None:
            return Reply(503, "5.5.1", "MAIL first")
        if not self._recipients:
            return Reply(554, "5.5.1", "no valid recipients")
        return START_DATA

    def _rset_command(self, _arguments: str) -> Reply:
        self._reset()
        return _OK

    def _noop_command(self, _arguments: str) -> Reply:
        return _OK

    def _vrfy_command(self, _arguments: str) -> Reply:
        return Reply(252, "2.0.0", "send it and see")

    def _xforward_command(self, arguments: str) -> Reply:
        if self._envelope is not None:
            return Reply(503, "5.5.1", "not inside a transaction")
        self._origin |= parse_xforward(arguments)
        return _OK

    def _quit_command(self, _arguments: str) -> Reply:
        return BYE


_COMMANDS: dict[str, Callable[[Dialogue, str], Reply | tuple[Reply, ...]]] = {
    "HELO": Dialogue._helo_command,
    "EHLO": Dialogue._ehlo_command,
    "MAIL": Dialogue._mail_command,
    "RCPT": Dialogue._rcpt_command,
    "DATA": Dialogue._data_command,
    "RSET": Dialogue._rset_command,
    "NOOP": Dialogue._noop_command,
    "VRFY": Dialogue._vrfy_command,
    "XFORWARD": Dialogue._xforward_command,
    "QUIT": Dialogue._quit_command,
}
