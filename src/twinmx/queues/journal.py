"""The mail log as it is written: `journalctl --follow` (journalctl(1)), started again whenever it ends.

Where one has ended, the next goes on behind the last delivery that was seen, so none is lost or counted
twice. Only lines that tell of a status are taken apart; on a busy host that is one in eight.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog

from twinmx.queues.lines import lines, running

JOURNALCTL = (
    "journalctl",
    "--follow",
    "--quiet",
    "--output=json",
    "--output-fields=MESSAGE,SYSLOG_IDENTIFIER",
)
MAIL = "SYSLOG_FACILITY=2"  # LOG_MAIL, syslog(3)
LONGEST_LINE = 1 << 20
SILENCE_SECONDS = 300.0
"""A journalctl that shows nothing for so long is replaced: nobody sees whether it hangs."""

PAUSE_SECONDS = 1.0

Take = Callable[[str, str], None]
"""Takes a line of the log: the program's syslog identifier, and the text."""


class Journal:
    """Follows the mail log for ever; `command` is journalctl without what says where to begin."""

    def __init__(self, take: Take, command: Sequence[str] = JOURNALCTL) -> None:
        self._take = take
        self._command = command
        self._cursor: str | None = None
        self._read_at = time.monotonic()
        self._log = structlog.get_logger()

    def age(self) -> float:
        """Seconds since a line was last read; since the start where none was."""
        return time.monotonic() - self._read_at

    async def follow(self) -> None:
        """Read until cancelled."""
        while True:
            begun = time.monotonic()
            try:
                cause = await self._until_it_ends()
            except TimeoutError:
                cause = "it shows nothing"
            except Exception as error:  # whatever it is, the way out is to try again
                cause = f"{type(error).__name__}: {error}"
            if self._read_at < begun:
                self._cursor = None  # perhaps that is what it stumbled over
            self._log.warning("journalctl ended", cause=cause)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _until_it_ends(self) -> str:
        """Read one journalctl to its end; returns what it said of that."""
        begin = ("--lines=all", f"--after-cursor={self._cursor}") if self._cursor else ("--lines=0",)
        async with running((*self._command, *begin, MAIL)) as process:
            assert process.stdout and process.stderr  # noqa: PT018 - asked for
            shown = lines(process.stdout, LONGEST_LINE)
            with suppress(StopAsyncIteration):
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        line = await anext(shown)
                    self._read(line)
            return (await process.stderr.read()).decode("utf-8", "replace").strip()

    def _read(self, line: bytes) -> None:
        self._read_at = time.monotonic()
        if b"status=" not in line:
            return
        with suppress(ValueError, RecursionError):  # what is no entry of the journal tells of no delivery
            entry = json.loads(line)
            if isinstance(entry, dict):
                self._entry(entry)

    def _entry(self, entry: dict[str, Any]) -> None:
        identifier, text = entry.get("SYSLOG_IDENTIFIER"), entry.get("MESSAGE")
        if isinstance(cursor := entry.get("__CURSOR"), str):
            self._cursor = cursor
        if isinstance(identifier, str) and isinstance(text, str):  # bytes that are no text come as a list
            self._take(identifier, text)
