"""Write a backup of this host while it works: nothing is stopped, and each file is whole.

How each is consistent: an item of the quarantine is held meanwhile, as by a release; SpamAssassin's tokens
come from `sa-learn --backup`; an SQLite file by SQLite's own backup; a block of Prometheus never changes
once it is there, and is linked so that it cannot go meanwhile. Not in it, on purpose: the queues (mail that
was saved and delivered would be delivered twice: `evacuate` and `adopt-queue` move them), the limits'
counters (a minute's worth, Valkey keeps them in memory alone), the failover agent's state (leases and
promises that have run out; a new agent asks its peers), and what a converge makes anew (aliases,
certificates, DKIM keys).
"""

import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from twinmx.aliases.overrides import read_overrides
from twinmx.quarantine import Quarantine, QuarantineError
from twinmx.recovery.archive import Manifest, Writer
from twinmx.recovery.places import BAYES_USER, Places

HELD_SECONDS = 30.0
"""How long an item of the quarantine is waited for that somebody releases at this moment."""

LOOK_SECONDS = 0.5


def save(places: Places, host: str, stream: BinaryIO, *, prometheus: bool) -> None:
    """Write the archive onto `stream`; raises `OSError` and `CommandError`, the archive is then not whole."""
    writer = Writer(stream, Manifest(host=host, made_at=time.time(), release=places.release))
    _save_quarantine(places.quarantine, writer)
    if found := read_overrides(places.overrides):
        told = {address: asdict(override) for address, override in found.items()}
        writer.add_bytes("aliases/overrides.json", json.dumps(told, indent=1).encode())
    _save_bayes(places, writer)
    if prometheus:
        _save_prometheus(places.prometheus, writer)
    writer.close()


def _save_quarantine(directory: Path, writer: Writer) -> None:
    if not directory.is_dir():
        return
    quarantine = Quarantine(directory)
    for name in quarantine.names():
        deadline = time.monotonic() + HELD_SECONDS
        while (directory / name).exists():
            try:
                with quarantine.hold(name):
                    for path in sorted((directory / name).glob("[!.]*")):
                        writer.add_path(f"quarantine/{name}/{path.name}", path)
                    break
            except QuarantineError as error:
                if time.monotonic() > deadline:
                    writer.note(f"not saved: {error}")
                    break
                time.sleep(LOOK_SECONDS)


def as_spamd(places: Places, *words: str) -> list[str]:
    """The command line of a program that runs as spamd does."""
    return ["runuser", "-u", BAYES_USER, "--", "env", f"HOME={places.bayes_home}", *words]


def _save_bayes(places: Places, writer: Writer) -> None:
    if (places.bayes_home / ".spamassassin/bayes_toks").exists():
        writer.add_bytes(
            "bayes/spamassassin.txt", places.run(as_spamd(places, "sa-learn", "--backup")).output
        )
    for path in sorted(places.rspamd.glob("*.sqlite")):
        with tempfile.TemporaryDirectory() as directory:
            copy = Path(directory, path.name)
            with (
                closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as there,
                closing(sqlite3.connect(copy)) as here,
            ):
                there.backup(here)
            writer.add_path(f"bayes/{path.name}", copy)


def _save_prometheus(directory: Path, writer: Writer) -> None:
    """What is younger than the last block (two hours, three at most) is not in it."""
    with _linked(directory) as blocks:
        for path in sorted(blocks.rglob("*")):
            if path.is_file():
                writer.add_path(f"prometheus/{path.relative_to(blocks)}", path)


@contextmanager
def _linked(directory: Path) -> Iterator[Path]:
    """A directory with links to all blocks of one moment: none was replaced by another meanwhile."""
    aside = Path(tempfile.mkdtemp(prefix=".backup-", dir=directory.parent))
    try:
        while True:
            copy = aside / "blocks"
            seen = _blocks(directory)
            try:
                for name in seen:
                    shutil.copytree(directory / name, copy / name, copy_function=os.link)
            except (FileNotFoundError, shutil.Error):
                seen = []  # a block has gone while it was linked
            if seen == _blocks(directory):
                copy.mkdir(exist_ok=True)
                break
            shutil.rmtree(copy, ignore_errors=True)
        yield copy
    finally:
        shutil.rmtree(aside)


def _blocks(directory: Path) -> list[str]:
    return sorted(path.parent.name for path in directory.glob("*/meta.json") if "." not in path.parent.name)
