"""`twinmx adopt-queue`: the mail on a broken host's disk goes on through another host."""

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from controller.errors import ControllerError
from controller.lock import Lock
from controller.recovery.ledger import Ledger
from controller.recovery.onhost import OnHost
from controller.remote import Remote
from twinmx.recovery.adopting import ASIDE, EVACUATED, LOGS, MESSAGES

INSTANCES = ("postfix", "postfix-out")
DELIVERED = "var/lib/twinmx/delivered"


def adopt(remote: Remote, directory: str, *, there: bool = False, break_lock: bool = False) -> Ledger:
    """Have `remote` adopt what is in `directory`, of the controller or, `there`, of that host.

    ControllerError where there is no queue in it, or an adoption was broken off: the same again goes on.
    """
    host = OnHost(remote)
    with Lock([remote]).held(break_stale=break_lock):
        if there:
            return Ledger.read(host.ask("adopt", remote.name, directory))
        with packed(Path(directory)) as file:
            return Ledger.read(host.take(["adopt", remote.name, "-"], file))


@contextmanager
def packed(directory: Path) -> Iterator[BinaryIO]:
    """A tar archive of the queues below `directory`: a disk's root, its var/spool, or a copy of that."""
    spools = [top / name for top in (directory / "var/spool", directory) for name in INSTANCES]
    with tempfile.TemporaryFile() as file:
        try:
            found = [path for path in spools if any((path / queue).is_dir() for queue in MESSAGES)]
            if not found:
                raise ControllerError(
                    f"{directory}: there is no queue directory in it ({' or '.join(INSTANCES)})"
                )
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for spool in found:
                    for queue in (*MESSAGES, *LOGS, *ASIDE, EVACUATED):
                        if (spool / queue).is_dir():
                            tar.add(spool / queue, f"{spool.name}/{queue}")
                if (directory / DELIVERED).is_dir():
                    tar.add(directory / DELIVERED, DELIVERED)
        except OSError as error:
            where = error.filename or f"{directory}, to be packed in {tempfile.gettempdir()}"
            raise ControllerError(f"{where}: {error.strerror}") from None
        file.seek(0)
        yield file
