"""A program as systemd starts it: a process of its own, with credentials and a socket to report on."""

import asyncio
import itertools
import os
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

Process = asyncio.subprocess.Process


PORTS = range(61_000, 65_536)
"""Of these the kernel gives none to connections."""

WORKERS = 16
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
SHARE = len(PORTS) // WORKERS
_rounds = itertools.count(os.getpid())


def free_port(following: int = 0) -> int:
    """Return a free port, behind which so many more are free.

    None is given twice before all of the share of this worker have been: what is asked for next must not be
    one that was given and is not yet listened on.
    """
    taken = following + 1
    while True:
        start = min([next(_rounds) for _ in range(taken)]) % SHARE
        if start + taken > SHARE:
            continue
        port = PORTS[WORKER * SHARE + start]
        with ExitStack() as stack, suppress(OSError):
            for offset in range(taken):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            return port


class Supervised:
    """The program whose `main` is in `module`; `directory` has its credentials and its settings."""

    def __init__(self, module: str, settings: Path, *, patience_seconds: float) -> None:
        self.settings = settings
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "CREDENTIALS_DIRECTORY": str(settings.parent),
            "NOTIFY_SOCKET": str(settings.parent / "notify"),
        }
        self._module = module
        self._patience_seconds = patience_seconds
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(self.environment["NOTIFY_SOCKET"])
        self._notify.setblocking(False)

    async def start(self, *arguments: str) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            f"import sys; from {self._module} import main; sys.exit(main())",
            "--settings",
            str(self.settings),
            *arguments,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def notified(self, state: str) -> None:
        async with asyncio.timeout(self._patience_seconds):
            while await asyncio.get_running_loop().sock_recv(self._notify, 100) != state.encode():
                pass

    def close(self) -> None:
        self._notify.close()


async def ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.communicate()
