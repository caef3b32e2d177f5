"""The rules in force: those of the file, loaded into a network namespace that nothing else is in."""

from collections.abc import Iterator

from twinmx.drift.asking import CannotTellError, run
from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest


def check(manifest: Manifest) -> Iterator[Finding]:
    """Rules that were added or taken away since the file was loaded."""
    wanted = manifest.firewall
    if wanted is None:
        return
    listing = f"nft -f {wanted.file} && nft -s list table {wanted.table}"
    ours = run("unshare", "--net", "sh", "-c", listing)
    if wanted.table not in _tables():
        yield Finding(kind="firewall", name=wanted.table, problem="it is not loaded")
        return
    yield from judge(wanted.table, ours, run("nft", "-s", "list", "table", *wanted.table.split()))


def _tables() -> set[str]:
    listed = run("nft", "list", "tables").splitlines()
    if any(not line.startswith("table ") for line in listed):
        raise CannotTellError("nft list tables: an answer of another form")
    return {line.removeprefix("table ") for line in listed}


def judge(table: str, wanted: str, found: str) -> Iterator[Finding]:
    """The differences of two listings; the order of rules counts, for the first that fits decides."""
    ours, theirs = ([line.strip() for line in text.splitlines()] for text in (wanted, found))
    if ours == theirs:
        return
    added = [line for line in theirs if line not in ours]
    gone = [line for line in ours if line not in theirs]
    for line in added:
        yield Finding(kind="firewall", name=table, problem=f"in force and not ours: {line}")
    for line in gone:
        yield Finding(kind="firewall", name=table, problem=f"not in force: {line}")
    if not added and not gone:
        yield Finding(kind="firewall", name=table, problem="its rules are in another order, or repeated")
