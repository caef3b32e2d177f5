"""Which messages this host has adopted, for ever: none of them is taken a second time.

A line is on disk before the message can be delivered, so a run that was broken off has lost no knowledge; the
next one finishes it.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from twinmx.durable import sync_directory


@dataclass(frozen=True)
class Adopted:
    """identity: of queue_file. instance: `in` or `out`. origin, was: the queue it was in, its name there.

    became: its queue id on this host. at: seconds since 1970.
    """

    identity: str
    instance: str
    origin: str
    was: str
    became: str
    at: float


class JournalError(Exception):
    """The journal is not what was written; the message says where, and what to do."""


class Journal:
    """A file of JSON lines: an adopted message each, or the queue ids that were released into delivery.

    Raises `JournalError` for any other file, `OSError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.adopted: dict[str, Adopted] = {}
        self._released: set[tuple[str, str]] = set()
        for number, line in enumerate(_whole_lines(path), 1):
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise JournalError(
                    f"{path}, line {number} is damaged ({error}): mend or remove that line; without it its "
                    "message would be adopted again"
                ) from error

    def _take(self, told: dict[str, object]) -> None:
        if isinstance(names := told.get("released"), list):
            self._released |= {(str(told["instance"]), str(name)) for name in names}
        else:
            one = Adopted(**told)  # type: ignore[arg-type] # what `add` has written
            self.adopted[one.identity] = one
            self._released.discard((one.instance, one.became))  # an inode, so a name, may come again

    def add(self, one: Adopted) -> None:
        """Know a message from now on; raises `OSError`."""
        self._write(asdict(one))

    def released(self, instance: str, names: list[str]) -> None:
        """Know that these are on their way."""
        self._write({"instance": instance, "released": names})

    def unreleased(self, instance: str) -> list[str]:
        """The queue ids that wait for their release: of messages that nobody held where they came from."""
        return [
            one.became
            for one in self.adopted.values()
            if one.instance == instance
            and one.origin != "hold"
            and (instance, one.became) not in self._released
        ]

    def _write(self, told: dict[str, object]) -> None:
        new = not self._path.exists()
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "a") as file:
            file.write(json.dumps(told) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_directory(self._path.parent)
        self._take(told)


def _whole_lines(path: Path) -> list[bytes]:
    """What was written to its end; what was not (a full disk, a crash) is taken away, for the next line."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        os.truncate(path, len(whole))
    return whole.splitlines()
