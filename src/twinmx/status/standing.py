"""How the exchangers stand, in a sentence, and what is to be said about each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from twinmx.status import words
from twinmx.status.view import Host, View

Tone = Literal["good", "warn", "bad", "unknown"]

PHASES: dict[str, str] = {
    "active": "in service",
    "draining": "draining: takes no new mail, empties its queue",
    "drained": "drained: takes no new mail",
    "returning": "returning: takes mail again, on trial",
}
SYMBOLS: dict[Tone, str] = {"good": "✓", "warn": "!", "bad": "✕", "unknown": "?"}


@dataclass(frozen=True)
class Standing:
    """The whole in one sentence, and what is wrong in detail."""

    tone: Tone
    sentence: str
    details: list[str]


def silent(view: View, host: Host) -> bool:
    """Whether what is known of `host` is too old to go by; an age that is no number is."""
    heard = host.heard_seconds
    return heard is None or not heard < view.silent_seconds


def _ill(host: Host) -> bool:
    """Whether it is more than uneasy: a rule that is bad only just now does not make a host ill."""
    return bool(host.bad) or (host.well is False and not host.suspect)


def tone(view: View, host: Host) -> Tone:
    """How `host` is: bad where silent or not well, warn where out of service or its agent cannot act."""
    if silent(view, host) or _ill(host):
        return "bad"
    if host.phase != "active" or host.suspect or host.faults:
        return "warn"
    return "good" if host.well else "unknown"


def standing(view: View) -> Standing:
    """The sentence at the top: who carries the mail."""
    fit = [
        host for host in view.hosts if not silent(view, host) and host.phase == "active" and not _ill(host)
    ]
    unfit = [detail for host in view.hosts if (detail := _detail(view, host))]
    dns = _dns(view)
    names = [words.name(host.name) for host in fit]
    if not fit:
        return Standing("bad", "No exchanger is in service and well", unfit + dns)
    if len(fit) == len(view.hosts):
        everyone = "The exchanger is" if len(fit) == 1 else "All exchangers are"
        says = f"{everyone} in service" + ("" if unfit else " and well")
        return Standing("warn" if unfit or dns else "good", says, unfit + dns)
    return Standing("warn", f"{words.joined(names)} {_carry(len(names))} the mail", unfit + dns)


def unusual(view: View, records: Sequence[tuple[int, str]] | None) -> bool:
    """Whether the records of a domain are known, and others than the inventory's, or in another order."""
    return records is not None and [name for _, name in sorted(records)] != [host.name for host in view.hosts]


def _dns(view: View) -> list[str]:
    unread = [domain for domain, records in view.mx.items() if records is None]
    moved = [domain for domain, records in view.mx.items() if unusual(view, records)]
    said = [f"DNS does not say who takes mail for {words.joined(unread)}"] if unread else []
    return said + ([f"The MX records of {words.joined(moved)} are not the inventory's"] if moved else [])


def _carry(number: int) -> str:
    return "alone carries" if number == 1 else "carry"


def _detail(view: View, host: Host) -> str:
    name = words.name(host.name)
    if host.heard_seconds is None:
        return f"{name} was never heard"
    if silent(view, host):
        return f"{name} has been silent for {words.duration(host.heard_seconds)}"
    said, rules = [], words.joined(host.bad)
    if host.phase != "active":
        said.append(words.name(host.phase) + (f" ({words.text(host.cause, 80)})" if host.cause else ""))
    if _ill(host):
        said.append("not well" + (f" ({rules})" if rules and rules != host.cause else ""))
    elif host.suspect:
        said.append(f"uneasy ({words.joined(host.suspect)})")
    elif host.well is None:
        said.append("not judged yet")
    if host.faults:
        said.append(f"unable to act in full ({words.joined(list(host.faults))})")
    return f"{name} is {', '.join(said)}" if said else ""
