"""One operator at a time: a lock on each exchanger, kept alive while the run lives.

On the hosts, because operators need not share a controller; on all that are reached, since who takes one out
relies on the others. Who takes none out (a restore, an adoption) needs the lock of its own host alone: a
converge has that too, and a host elsewhere that is half dead does not stop a recovery. A run that has died
is not guessed at: its lock is told with its owner and its silence, and broken by a flag.
"""

import getpass
import json
import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from controller.errors import ControllerError
from controller.remote import UNREACHED, Remote
from roles.lib.converge import GENERATIONS
from roles.lib.observed import ONHOST

FILE = "/run/twinmx-converge.json"
PROGRAM = "lock.py"
BEAT_SECONDS = 20.0
EXPIRES_SECONDS = 120.0
"""A run that was silent for so long may be dead: several heartbeats, and a slow host."""


class Lock:
    """The locks of one run on `hosts`, and on those of `others` that are reached.

    `lost` says why they are no longer ours, where they are not.
    """

    def __init__(
        self, hosts: Sequence[Remote], others: Sequence[Remote] = (), *, beat_seconds: float = BEAT_SECONDS
    ) -> None:
        self._hosts = hosts
        self._others = others
        self._taken: list[Remote] = []
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
            "generations": GENERATIONS,
            "break": break_,
        }
        host.python((ONHOST / PROGRAM).read_text(), json.dumps(asked))

    def check(self, *names: str) -> None:
        """Raise ControllerError where somebody else has the lock meanwhile; asks the hosts `names` anew."""
        self._beat_once([host for host in self._taken if host.name in names])
        if self.lost:
            raise ControllerError(f"this run no longer has its lock: {self.lost}")

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        """Around a reboot of a host, with which its lock goes; it is taken anew afterwards."""
        (host,) = (host for host in self._taken if host.name == name)
        self._taken = [other for other in self._taken if other is not host]
        try:
            yield
        finally:
            self._taken = [*self._taken, host]
        self._do(host, "take")

    def _beat(self) -> None:
        while not self._ended.wait(self._beat_seconds):
            self._beat_once(self._taken)

    def _beat_once(self, hosts: Sequence[Remote]) -> None:
        """A host that does not answer once keeps the lock: its last heartbeat counts for a while."""
        for host in hosts:
            try:
                self._do(host, "beat")
            except ControllerError as error:
                if "the lock " in str(error):
                    self.lost = str(error)

    @contextmanager
    def held(self, *, break_stale: bool = False) -> Iterator["Lock"]:
        """Hold it on all of them, or on none: ControllerError with who has it."""
        beating = threading.Thread(target=self._beat, daemon=True)
        try:
            for host in sorted(self._reached(), key=lambda host: host.name):
                self._taken.append(host)  # before: an answer that is cut off may have been a yes
                self._do(host, "take", break_=break_stale)
            beating.start()
            yield self
        finally:
            self._ended.set()
            if beating.ident is not None:
                beating.join()
            for host in self._taken:
                self._release(host)

    def _reached(self) -> list[Remote]:
        """Who is locked; ControllerError that names all of our hosts that are away."""
        asked = [*self._hosts, *self._others]
        with ThreadPoolExecutor(max(1, len(asked))) as pool:
            answers = list(pool.map(lambda host: host.try_("true"), asked))
        away = {
            host.name: answer.said
            for host, answer in zip(asked, answers, strict=True)
            if answer.status == UNREACHED
        }
        if told := [
            f"{host.name} cannot be reached: {away[host.name]}" for host in self._hosts if host.name in away
        ]:
            raise ControllerError("\n".join([*told, "Nothing was touched."]))
        return [host for host in asked if host.name not in away]

    def _release(self, host: Remote) -> None:
        try:
            self._do(host, "release")
        except ControllerError:
            return  # it is away: its lock is silent from now on
