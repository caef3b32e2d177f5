"""Reading the arguments of MAIL, RCPT and XFORWARD.

The forwarder's client is Postfix: the grammar is RFC 5321's path without source routes, and each
parameter that is passed on is checked for shape but keeps its spelling. Postfix has accepted the message
already, so what is refused here for good becomes a bounce: a wish for reports (RFC 3461) that the next hop
would not take is dropped, and a path may be as long as a command.
"""

import re
from collections.abc import Mapping

from twinmx.smtp import xtext
from twinmx.smtp.envelope import Envelope, Origin, Recipient, Reply

SYNTAX = Reply(501, "5.5.4", "syntax error in the arguments")
XFORWARD_ATTRIBUTES = ("NAME", "ADDR", "PROTO", "HELO", "SOURCE", "PORT", "IDENT")

_PATH = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^<>" \t])*')
_PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=.*)?")
_UNKNOWN = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})
_MAIL_FORMS: Mapping[str, re.Pattern[str]] = {
    "SIZE": re.compile(r"[0-9]{1,20}"),
    "BODY": re.compile(r"7BIT|8BITMIME", re.IGNORECASE),
}
_DSN_MAIL_FORMS: Mapping[str, re.Pattern[str]] = {
    "RET": re.compile(r"FULL|HDRS", re.IGNORECASE),
    "ENVID": re.compile(r"(?=.{1,100}\Z)(?:[!-*,-<>-~]|\+[0-9A-F]{2})+"),
}
_DSN_RCPT_FORMS: Mapping[str, re.Pattern[str]] = {
    "NOTIFY": re.compile(r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}", re.I),
    "ORCPT": re.compile(
        r"(?=.{1,500}\Z)[A-Za-z0-9-]+;(?:[!-*,-<>-~\x80-\U0010ffff]|\+[0-9A-F]{2})+"  # RFC 6533: UTF-8 too
    ),
}
_ORIGIN_FIELDS: Mapping[str, str] = {
    name: "address" if name == "ADDR" else name.lower() for name in XFORWARD_ATTRIBUTES
}


class CommandError(Exception):
    """A command that is refused; `reply` says how."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


def parse_mail(arguments: str, max_message_size: int, *, helo: str, peer: str, origin: Origin) -> Envelope:
    """Read the arguments of MAIL into an envelope without recipients; raises `CommandError`.

    `helo`, `peer` and `origin` are what the session knows about the client.
    """
    sender, tail = _path("FROM:", arguments)
    given = _parameters(tail)
    smtputf8 = given.pop("SMTPUTF8", None)
    if smtputf8:
        raise CommandError(SYNTAX)
    values = _checked(given, _MAIL_FORMS, _DSN_MAIL_FORMS)
    size = int(values["SIZE"]) if "SIZE" in values else None
    if size is not None and size > max_message_size:
        raise CommandError(
            Reply(552, "5.3.4", f"message size {size} exceeds the limit of {max_message_size}")
        )
    _check_characters(sender, smtputf8=smtputf8 is not None)
    return Envelope(
        sender,
        (),
        body=values.get("BODY"),
        smtputf8=smtputf8 is not None,
        size=size,
        ret=values.get("RET"),
        envid=values.get("ENVID"),
        helo=helo,
        peer=peer,
        origin=origin,
    )


def parse_rcpt(arguments: str, *, smtputf8: bool) -> Recipient:
    """Read the arguments of RCPT; raises `CommandError`."""
    address, tail = _path("TO:", arguments)
    if not address:
        raise CommandError(Reply(501, "5.1.3", "a recipient is needed"))
    values = _checked(_parameters(tail), {}, _DSN_RCPT_FORMS)
    _check_characters(address, smtputf8=smtputf8)
    return Recipient(address, values.get("NOTIFY"), values.get("ORCPT"))


def parse_xforward(arguments: str) -> dict[str, str | None]:
    """Return the fields of an `Origin` that an XFORWARD command gives; raises `CommandError`."""
    if not arguments:
        raise CommandError(SYNTAX)
    given: dict[str, str | None] = {}
    for attribute in arguments.split():
        name, equals, value = attribute.partition("=")
        field = _ORIGIN_FIELDS.get(name.upper())
        if field is None or not equals:
            raise CommandError(SYNTAX)
        try:
            decoded = xtext.decode(value)
        except ValueError as error:
            raise CommandError(SYNTAX) from error
        known = decoded and decoded.upper() not in _UNKNOWN
        if field == "address":
            decoded = decoded.removeprefix("IPV6:")
        given[field] = decoded if known else None
    return given


def _path(keyword: str, arguments: str) -> tuple[str, str]:
    if arguments[: len(keyword)].upper() != keyword:
        raise CommandError(SYNTAX)
    rest = arguments[len(keyword) :].lstrip(" ")
    if not rest.startswith("<"):
        raise CommandError(SYNTAX)
    match = _PATH.match(rest, 1)
    end = match.end() if match else 1
    if rest[end : end + 1] != ">":
        raise CommandError(SYNTAX)
    tail = rest[end + 1 :]
    if tail and not tail.startswith(" "):
        raise CommandError(SYNTAX)
    return rest[1:end], tail


def _parameters(tail: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for parameter in tail.split():
        name, _, value = parameter.partition("=")
        if not _PARAMETER.fullmatch(parameter) or name.upper() in given:
            raise CommandError(SYNTAX)
        given[name.upper()] = value
    return given


def _checked(
    given: dict[str, str], forms: Mapping[str, re.Pattern[str]], wishes: Mapping[str, re.Pattern[str]]
) -> dict[str, str]:
    """Return what is `given`, without the `wishes` that have not their form; raises `CommandError`."""
    values = {}
    for name, value in given.items():
        form = forms.get(name) or wishes.get(name)
        if form is None:
            raise CommandError(Reply(555, "5.5.4", f"parameter {name} is not supported"))
        if form.fullmatch(value):
            values[name] = value
        elif name in forms:
            raise CommandError(SYNTAX)
    return values


def _check_characters(address: str, *, smtputf8: bool) -> None:
    if not smtputf8 and not address.isascii():
        raise CommandError(Reply(553, "5.6.7", "a non-ASCII address needs SMTPUTF8"))
