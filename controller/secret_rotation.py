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
from inventory.schema import Exchange
from inventory.secret_drawing import password, tsig

LISTS: dict[str, Callable[[datetime], Any]] = {
    "srs_keys": lambda _: password(),
    "valkey_passwords": lambda _: password(),
    "database_passwords": lambda _: password(),
    "tsig_keys": lambda now: tsig(f"twinmx-{now:%Y%m%d%H%M%S}"),
}
AT_ONCE = ("rspamd_password",)
"""What no other host and no program shows: replaced in one step."""

NAMES = (*LISTS, *AT_ONCE)


@dataclass(frozen=True)
class Step:
    """The content after a step, and what the step was: added, promoted, retired, or replaced at once."""

    content: dict[str, Any]
    stage: str


def stage_of(content: dict[str, Any], name: str) -> str:
    """How far the rotation of `name` is; empty where none is under way."""
    return str((content.get("rotations") or {}).get(name, {}).get("stage", ""))


def step(content: dict[str, Any], name: str, exchange: Exchange, now: datetime, *, early: bool) -> Step:
    """The next step for `name`; `early` drops old SRS keys although bounces may still come.

    Raises ControllerError for what cannot be rotated here, and for an old key that is still needed.
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
    if stage == "added":
        return _noted(content, name, [entries[-1], *entries[:-1]], "promoted", now)
    if not early:
        _refuse_early(content, name, exchange, now)
    return _noted(content, name, entries[:1], "", now)


def retire_from(name: str, exchange: Exchange, promoted: datetime) -> datetime:
    """From when on the old entries of a list, of which the new was promoted then, are needed by nothing."""
    days = exchange.forwarder.bounce_days if name == "srs_keys" else 0
    return promoted + timedelta(days=days)


def _refuse_early(content: dict[str, Any], name: str, exchange: Exchange, now: datetime) -> None:
    since = content["rotations"][name]["since"]
    promoted = since if isinstance(since, datetime) else datetime.fromisoformat(since)
    due = retire_from(name, exchange, promoted if promoted.tzinfo else promoted.replace(tzinfo=UTC))
    if now < due:
        raise ControllerError(
            f"{name}: the old key takes bounces home until {due:%Y-%m-%d %H:%M} UTC (forwarder.bounce_days); "
            "come back then, or drop it now with --early"
        )


def _noted(content: dict[str, Any], name: str, entries: list[Any], stage: str, now: datetime) -> Step:
    rotations = dict(content.get("rotations") or {})
    rotations.pop(name, None)
    if stage:
        rotations[name] = {"stage": stage, "since": now.replace(microsecond=0).isoformat()}
    changed = {key: value for key, value in content.items() if key != "rotations"} | {name: entries}
    if rotations:
        changed["rotations"] = rotations
    return Step(changed, stage or "retired")
