"""`mxctl requeue`: deferred mail gets a new attempt now, in batches, and each message is accounted for."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from twinmx.mxctl import duration
from twinmx.mxctl.manual import manual
from twinmx.mxctl.output import Json, note, printable
from twinmx.mxctl.queue import SettingsFile, Which, chosen, settings_from
from twinmx.queues.attempts import Account, Wanted, account, attempt, find
from twinmx.queues.reading import QueueError
from twinmx.queues.reasons import Reason
from twinmx.queues.settings import SETTINGS, InstanceName, Settings

INTERRUPTED = "interrupted"
_ACCOUNT = [field.name for field in fields(Account)]
MANUAL = manual(
    "mxctl requeue --dry-run",
    "mxctl requeue --older 10m --reason unreachable --to mailbox.example",
    status={0: "done, also where nothing matched", 1: "broken off, or a queue cannot be read"},
)


@dataclass(frozen=True)
class Pace:
    """How fast attempts are asked for."""

    batch: int
    pause_seconds: float


@dataclass
class Done:
    """What was done in one instance; no account where none could be made, or nothing was to be done."""

    matched: int = 0
    asked: int = 0
    account: Account | None = None
    fault: str | None = None


def requeue(
    older: Annotated[
        float, typer.Option(parser=duration.parse, metavar="TIME", help="Only what arrived longer ago: 10m.")
    ] = "0s",  # type: ignore[assignment] # typer parses a default as it does what is typed
    reason: Annotated[Reason | None, typer.Option(help="Only what waits for this, see mxctl queue.")] = None,
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS|DOMAIN", help="Only what one of these waits for.")
    ] = None,
    which: Which = "both",
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Messages at a time.")] = 100,
    pause: Annotated[
        float, typer.Option(parser=duration.parse, metavar="TIME", help="About so long between two batches.")
    ] = "1s",  # type: ignore[assignment]
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many there are.")] = False,
    as_json: Json = False,
    settings: SettingsFile = SETTINGS,
) -> None:
    """Give deferred messages a new attempt now, the oldest first, in batches.

    They keep their queue ids, so that all are accounted for afterwards: gone (sent, or returned to the
    sender), under way, deferred again, held. Ctrl-C ends it behind the present batch.
    """
    told = settings_from(settings)
    wanted, pace = Wanted(older, reason, to), Pace(batch, pause)
    results: dict[InstanceName, Done] = {}
    for name in chosen(which, told):
        done = results[name] = asyncio.run(_requeue(told, name, wanted, None if dry_run else pace))
        if not dry_run and done.matched:
            note(f"requeue {name}: {_said(done)}")
        if not as_json:
            typer.echo(f"{name}: {_said(done)}")
        if done.fault == INTERRUPTED:
            break
    if as_json:
        typer.echo(json.dumps({name: _as_json(done) for name, done in results.items()}, indent=1))
    if any(done.fault for done in results.values()):
        raise typer.Exit(1)


async def _requeue(settings: Settings, name: InstanceName, wanted: Wanted, pace: Pace | None) -> Done:
    """Do it in one instance; without a pace only count."""
    instance, seconds = settings.instances[name], settings.timing.read_seconds
    done, console = Done(), Console(stderr=True)
    try:
        keys = await find(instance, name, wanted, seconds)
        done.matched = len(keys)
        if pace is None or not keys:
            return done
        try:
            with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
                task = progress.add_task(name, total=len(keys))
                async with aclosing(attempt(instance, keys, pace.batch, pace.pause_seconds)) as asking:
                    async for asked in asking:
                        done.asked += asked
                        progress.advance(task, asked)
        except QueueError as error:
            done.fault = str(error)
        except asyncio.CancelledError:  # Ctrl-C
            done.fault = INTERRUPTED
        done.account = await account(instance, keys, done.asked, seconds)
    except QueueError as error:
        done.fault = str(error)
    return done


def _said(done: Done) -> str:
    told = f"{done.matched} matched"
    if done.account:
        now = done.account
        told += (
            f", {now.asked} given a new attempt; of those that matched {now.gone} are gone,"
            f" {now.under_way} under way, {now.deferred} deferred, {now.held} held"
        )
    elif done.asked:
        told += f", {done.asked} given a new attempt"
    return f"{told}; broken off: {printable(done.fault)}" if done.fault else told


def _as_json(done: Done) -> dict[str, Any]:
    """The same keys whatever was done; None where no account was made."""
    counted = asdict(done.account) if done.account else dict.fromkeys(_ACCOUNT)
    return {**counted, "matched": done.matched, "asked": done.asked, "fault": done.fault}
