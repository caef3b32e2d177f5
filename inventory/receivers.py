"""Who is told of an alert: receivers, and which of them hears what, and when.

An alert about mail must not need mail: a relay is refused where it is one of the exchangers, and so is an
address at a served domain, since its mail would come through them.
"""

import zoneinfo
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from inventory.knob import Form, Fqdn, Mistake, Settings, ShortName, knob

Severity = Literal["page", "ticket"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _time_zone(name: str) -> str:
    known = zoneinfo.available_timezones()
    if known and name not in known:  # a controller without the database leaves it to the host's amtool
        raise ValueError("no such time zone")
    return name


TimeOfDay = Annotated[
    str,
    Form('a time of day in quotes, as in "18:30", up to "24:00"'),
    StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
]
TimeZone = Annotated[
    str,
    Form("a time zone of the IANA database, as in Europe/Paris"),
    StringConstraints(min_length=1),
    AfterValidator(_time_zone),
]
MailAddress = Annotated[
    str,
    Form("a mail address, as in oncall@ours.example"),
    StringConstraints(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+$", max_length=254),
]


class Receiver(Settings):
    """A service that takes alerts. What must stay secret of it is in the secrets file, under its name."""

    kind: Literal["webhook", "pagerduty", "opsgenie", "smtp"] = knob(
        says="How it is told: a POST of JSON to a URL, a paging service, or mail through a relay elsewhere."
    )
    relay: Fqdn | None = knob(None, says="smtp: the mail server that takes the alert, none of these hosts.")
    port: int = knob(587, ge=1, le=65535, says="smtp: its port.")
    user: str | None = knob(None, says="smtp: the name to log in with; none where the relay asks for none.")
    sender: MailAddress | None = knob(None, says="smtp: the sender's address.")
    to: MailAddress | None = knob(None, says="smtp: the address of who shall read it, not a served one.")

    @property
    def needs_secret(self) -> bool:
        """Whether the secrets file must have an entry for it."""
        return self.kind != "smtp" or self.user is not None


class Times(Settings):
    """Hours of the week, for on-call times. Hours that end before they begin go on into the next day."""

    weekdays: tuple[Weekday, ...] = knob(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        min_length=1,
        says="The days on which the hours begin.",
    )
    begin: TimeOfDay = knob("00:00", says="When they begin.")
    end: TimeOfDay = knob("24:00", says="When they end.")
    location: TimeZone = knob("UTC", says="Whose clock that is.")


class Route(Settings):
    """Which alerts go to which receivers. An alert takes every route that fits it."""

    severities: tuple[Severity, ...] = knob(
        ("page", "ticket"),
        min_length=1,
        says="The severities that take it: page wakes somebody, ticket waits for the morning.",
    )
    receivers: tuple[ShortName, ...] = knob(min_length=1, says="Names of the receivers it leads to.")
    times: tuple[ShortName, ...] = knob(
        (),
        says="Names of the times in which it is open; left out, always. What fires meanwhile is sent then.",
    )


def unknown_names(
    receivers: Mapping[str, Receiver],
    routes: Mapping[str, Route],
    times: Mapping[str, Times],
    heartbeat: str | None,
) -> Iterator[Mistake]:
    """Routes to nobody or at no time, and receivers to which no route leads (keys below `monitors`)."""
    for name, route in routes.items():
        yield from _unknown(("routes", name, "receivers"), route.receivers, receivers, "receiver")
        yield from _unknown(("routes", name, "times"), route.times, times, "times")
    if heartbeat is not None and heartbeat not in receivers:
        yield Mistake(("heartbeat",), heartbeat, _no_such("receiver", receivers))
    reached = {heartbeat, *(receiver for route in routes.values() for receiver in route.receivers)}
    for name in receivers:
        if name not in reached:
            yield Mistake(("receivers", name), name, "no route leads to it; allowed: one that a route names")


def _unknown(
    key: tuple[str, ...], names: Iterable[str], known: Iterable[str], what: str
) -> Iterator[Mistake]:
    for number, name in enumerate(names):
        if name not in known:
            yield Mistake((*key, number), name, _no_such(what, known))


def _no_such(what: str, known: Iterable[str]) -> str:
    return f"no such {what}; allowed: {', '.join(known) or 'none, none is described'}"


def unfit_relays(receivers: Mapping[str, Receiver]) -> Iterator[Mistake]:
    """Mail without a relay or an address, and addresses of what is no mail (keys below `monitors`)."""
    for name, receiver in receivers.items():
        for attribute in ("relay", "sender", "to"):
            value = getattr(receiver, attribute)
            if receiver.kind == "smtp" and value is None:
                reason = f"allowed: with kind smtp, one; its {attribute} cannot be guessed"
                yield Mistake(("receivers", name, attribute), value, reason)
            if receiver.kind != "smtp" and value is not None:
                reason = f"{receiver.kind} has none; allowed: with kind smtp alone"
                yield Mistake(("receivers", name, attribute), value, reason)


def through_ourselves(
    receivers: Mapping[str, Receiver], exchangers: Collection[str], domains: Collection[str]
) -> Iterator[Mistake]:
    """Receivers whose mail would pass the exchangers that it is about (keys below `monitors`).

    exchangers: their full names. domains: those whose mail they take.
    """
    for name, receiver in receivers.items():
        if receiver.relay in exchangers or receiver.relay in domains:
            reason = "takes part in the mail that is watched; allowed: a relay that is none of the exchangers"
            yield Mistake(("receivers", name, "relay"), receiver.relay, reason)
        if receiver.to and receiver.to.rpartition("@")[2].lower() in domains:
            reason = "its mail comes through the exchangers; allowed: an address at a domain not served here"
            yield Mistake(("receivers", name, "to"), receiver.to, reason)
