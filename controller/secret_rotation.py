"""One step of a rotation, on the content of the secrets: nothing here reads or writes a file.

While hosts are converged one after another, some have the old content and some the new. So a new secret is
first known to all, then used, and the old one goes when nothing depends on it any more: added, promoted,
retired. What each is to the programs: docs/secrets.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.errors import ControllerError
from inventory.dkim import LONGEST_WAY_DAYS, new_pair
from inventory.schema import Exchange
from inventory.secret_drawing import password, tsig

LISTS: dict[str, Callable[[datetime], Any]] = {
    "srs_keys": lambda _: password(),
    "valkey_passwords": lambda _: password(),
    "database_passwords": lambda _: password(),
    "tsig_keys": lambda now: tsig(f"twinmx-{now:%Y%m%d%H%M%S}"),
    "dkim_keys": lambda now: new_pair(f"k{now:%Y%m%d%H%M%S}"),
}
AT_ONCE = ("rspamd_password",)
"""What no other host and no program shows: replaced in one step."""

NAMES = (*LISTS, *AT_ONCE)


@dataclass(frozen=True)
class Wait:
    """What has to pass after a step until the next one: how long, and why, with `until` for the moment."""

    length: Callable[[Exchange], timedelta]
    reason: str


WAITS: dict[tuple[str, str], Wait] = {
    ("srs_keys", "promoted"): Wait(
        lambda exchange: timedelta(days=exchange.forwarder.bounce_days),
        "the old key takes bounces home {until} (forwarder.bounce_days)",
    ),
    ("dkim_keys", "added"): Wait(
        lambda exchange: timedelta(seconds=exchange.dns.ttl),
        "some may remember {until} that the new pair is not in DNS (dns.ttl)",
    ),
    ("dkim_keys", "promoted"): Wait(
        lambda _: timedelta(days=LONGEST_WAY_DAYS),
        "mail that the old pair signed may be under way {until}",
    ),
}
"""Lists and stages of which the next step would be too early at once."""


@dataclass(frozen=True)
class Step:
    """The content after a step, and what the step was: added, promoted, retired, or replaced at once."""

    content: dict[str, Any]
    stage: str


def stage_of(content: dict[str, Any], name: str) -> str:
    """How far the rotation of `name` is; empty where none is under way."""
    return str((content.get("rotations") or {}).get(name, {}).get("stage", ""))


def step(content: dict[str, Any], name: str, exchange: Exchange, now: datetime, *, early: bool) -> Step:
    """The next step for `name`; `early` takes it although what it waits for has not passed.

    Raises ControllerError for what cannot be rotated here, and for a step that is too early (WAITS).
    """
    if name.startswith("receivers"):
        raise ControllerError(
            f"{name}: the service gives it out: make a second one there, put it in its place, converge, then "
            "revoke the old one there"
        )
    if name not in NAMES:
        raise ControllerError(f"{name}: no such secret to rotate; allowed: {', '.join(NAMES)}")
    if name in AT_ONCE:
        return Step(content | {name: password()}, "replaced")
    entries = list(content.get(name) or [])
    if not entries:
        raise ControllerError(
            f"{name}: there is none to rotate; twinmx secrets check says whether one is needed"
        )
    stage = stage_of(content, name)
    if not stage and len(entries) > 1:
        raise ControllerError(
            f"{name}: there are {len(entries)}, and none is noted as new (rotations.{name}): remove what is "
            "not needed, or go on by hand (docs/secrets.md)"
        )
    if not stage:
        return _noted(content, name, [*entries, LISTS[name](now)], "added", now)
    if not early:
        _refuse_early(content, name, exchange, now)
    if stage == "added":
        return _noted(content, name, [entries[-1], *entries[:-1]], "promoted", now)
    return _noted(content, name, entries[:1], "", now)


def next_from(name: str, stage: str, since: datetime, exchange: Exchange) -> datetime:
    """From when on the step after `stage`, which was taken at `since`, harms nobody."""
    wait = WAITS.get((name, stage))
    return since + wait.length(exchange) if wait else since


def _refuse_early(content: dict[str, Any], name: str, exchange: Exchange, now: datetime) -> None:
    noted = content["rotations"][name]
    since = noted["since"]
    since = since if isinstance(since, datetime) else datetime.fromisoformat(since)
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    due = next_from(name, noted["stage"], since, exchange)
    wait = WAITS.get((name, noted["stage"]))
    if wait and now < due:
        why = wait.reason.format(until=f"until {due:%Y-%m-%d %H:%M} UTC")
        raise ControllerError(f"{name}: {why}; come back then, or go on now with --early")


def _noted(content: dict[str, Any], name: str, entries: list[Any], stage: str, now: datetime) -> Step:
    rotations = dict(content.get("rotations") or {})
    rotations.pop(name, None)
    if stage:
        rotations[name] = {"stage": stage, "since": now.replace(microsecond=0).isoformat()}
    changed = {key: value for key, value in content.items() if key != "rotations"} | {name: entries}
    if rotations:
        changed["rotations"] = rotations
    return Step(changed, stage or "retired")
