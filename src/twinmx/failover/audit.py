"""What the agent has done, for whoever looks in the morning: the journal, and a bounded file of JSON."""

import json
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import structlog

from twinmx.failover.acts import Act

SHOWN = 20
MAX_BYTES = 1 << 20


class Audit:
    """The file in `directory`; when it is full it is renamed once, so twice its size is the most."""

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = directory / "audit.jsonl"
        self._max_bytes = max_bytes
        self._recent: deque[dict[str, object]] = deque(maxlen=SHOWN)
        for file in (self._older, self._path):
            self._recent.extend(_lines(file))

    @property
    def recent(self) -> list[dict[str, object]]:
        """The last acts, oldest first: at (wall clock), name, whom, cause, automatic."""
        return list(self._recent)

    def write(self, acts: Iterable[Act]) -> None:
        """Take down acts; blocks. A file that cannot be written costs nothing but the line in it."""
        log = structlog.get_logger()
        for act in acts:
            entry: dict[str, object] = {"at": round(time.time(), 3), **asdict(act)}
            self._recent.append(entry)
            log.info("act", act=act.name, whom=act.whom, cause=act.cause, automatic=act.automatic)
            try:
                self._append(json.dumps(entry))
            except OSError as error:
                log.warning("audit not written", detail=str(error))

    @property
    def _older(self) -> Path:
        return self._path.with_suffix(".jsonl.1")

    def _append(self, line: str) -> None:
        if self._path.exists() and self._path.stat().st_size > self._max_bytes:
            self._path.replace(self._older)
        with self._path.open("a") as file:
            file.write(f"{line}\n")


def _lines(file: Path) -> list[dict[str, object]]:
    try:
        lines = file.read_text(errors="replace").splitlines()[-SHOWN:]
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a crash in the middle of a line
        if isinstance(entry, dict):
            found.append(entry)
    return found
