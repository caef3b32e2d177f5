"""One operator at a time: a lock on each host that is going to be changed, kept alive while the run lives.

On the hosts, because operators need not share a controller. A run that has died is not guessed at: its lock
is told with its owner and its silence, and broken by a flag.
"""

import getpass
import json
import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from controller.errors import ControllerError
from controller.remote import Remote
from roles.lib.observed import ONHOST

FILE = "/run/twinmx-converge.json"
PROGRAM = "lock.py"
BEAT_SECONDS = 20.0
EXPIRES_SECONDS = 120.0
"""A run that was silent for so long may be dead: several heartbeats, and a slow host."""


class Lock:
    """The locks of one run on `hosts`; `lost` says why they are no longer ours, where they are not."""

    def __init__(self, hosts: Sequence[Remote], *, beat_seconds: float = BEAT_SECONDS) -> None:
        self._hosts = hosts
        self._beat_seconds = beat_seconds
        self._holder = {
            "id": secrets.token_hex(8),
            "who": f"{getpass.getuser()}@{socket.gethostname()}",
            "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        }
        self._ended = threading.Event()
        self.lost = ""

    def _do(self, host: Remote, act: str, *, break_: bool = False) -> None:
        asked = {
            "act": act,
            "holder": self._holder,
            "file": FILE,
            "expires_seconds": EXPIRES_SECONDS,
            "break": break_,
        }
        host.python((ONHOST / PROGRAM).read_text(), json.dumps(asked))

    def check(self) -> None:
        """Raise ControllerError where somebody else has the lock meanwhile."""
        if self.lost:
            raise ControllerError(f"this run no longer has its lock: {self.lost}")

    def _beat(self) -> None:
        """A host that does not answer once keeps the lock: its last heartbeat counts for a while."""
        while not self._ended.wait(self._beat_seconds):
            for host in self._hosts:
                try:
                    self._do(host, "beat")
                except ControllerError as error:
                    if "the lock " in str(error):
                        self.lost = str(error)

    @contextmanager
    def held(self, *, break_stale: bool = False) -> Iterator["Lock"]:
        """Hold it on all of them, or on none: ControllerError with who has it."""
        taken: list[Remote] = []
        beating = threading.Thread(target=self._beat, daemon=True)
        try:
            for host in sorted(self._hosts, key=lambda host: host.name):
                self._do(host, "take", break_=break_stale)
                taken.append(host)
            beating.start()
            yield self
        finally:
            self._ended.set()
            if beating.ident is not None:
                beating.join()
            for host in taken:
                self._release(host)

    def _release(self, host: Remote) -> None:
        try:
            self._do(host, "release")
        except ControllerError:
            return  # it is away: its lock is silent from now on
