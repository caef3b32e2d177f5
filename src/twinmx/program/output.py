"""Standard output that never makes the event loop wait.

journald may be slow or stopped, and a program which waits for it stands still with all of its mail (the
watchdog would kill worker after worker). Lines are collected for a moment and written together, since each
write wakes journald; what it does not take is kept, up to a bound, and what is beyond that is counted and
dropped. A worker that is killed takes the lines of the last moment with it.
"""

import asyncio
import os
import stat
from contextlib import suppress

MAX_KEPT = 1 << 20
MOMENT_SECONDS = 0.01


class Output:
    """Lines for a file descriptor. Without a running loop, and at the end, they are written at once."""

    def __init__(self, descriptor: int, max_kept: int = MAX_KEPT) -> None:
        self._descriptor = descriptor
        self._max_kept = max_kept
        self._lines: list[bytes] = []
        self._kept = 0
        self._dropped = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode):  # others do not wait; a terminal is not only ours
            os.set_blocking(descriptor, False)

    def msg(self, line: str) -> None:
        """Write a line, soon."""
        data = line.encode("utf-8", "surrogateescape") + b"\n"
        if self._kept + len(data) > self._max_kept:
            self._dropped += 1
            return
        self._lines.append(data)
        self._kept += len(data)
        if self._loop is None or self._loop.is_closed():
            self._arrange()

    def flush(self) -> None:
        """Write what is there, as far as the reader takes it; the rest stays."""
        self._loop = None
        try:
            self._write()
        except BlockingIOError:
            self._wait()
        except OSError:
            self._forget()  # the reader is gone for good

    def _write(self) -> None:
        while self._lines or self._dropped:
            if self._dropped:
                self._lines.append(b'{"event": "log lines dropped", "number": %d}\n' % self._dropped)
                self._dropped = 0
            data = b"".join(self._lines)
            self._lines, self._kept = [data], len(data)
            written = os.write(self._descriptor, data)
            rest = data[written:]
            self._lines, self._kept = [rest] if rest else [], len(rest)

    def _forget(self) -> None:
        self._lines, self._kept = [], 0

    def _arrange(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            self._loop.call_later(MOMENT_SECONDS, self.flush)

    def _wait(self) -> None:
        """Go on when the reader has taken something."""
        with suppress(RuntimeError):
            loop = self._loop = asyncio.get_running_loop()
            loop.add_writer(self._descriptor, self._resume, loop)

    def _resume(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_writer(self._descriptor)
        self.flush()

    debug = info = warning = error = critical = msg
