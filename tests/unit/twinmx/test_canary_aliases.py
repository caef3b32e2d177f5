"""The canary's aliases are in every snapshot, whatever its source says."""

from pathlib import Path

import pytest

from tests.unit.twinmx.scripted_database import CONNECTION, HERE, LATER, SERVED, Script, row
from twinmx.aliases.database import reading
from twinmx.aliases.database.metrics import SourceMetrics
from twinmx.aliases.database.pulling import Puller, SourceError
from twinmx.aliases.database.reading import Changes
from twinmx.aliases.database.settings import Settings
from twinmx.aliases.model import Alias
from twinmx.aliases.own import own_aliases, with_own
from twinmx.aliases.snapshot import Snapshot, SnapshotError

BIRD = "b-canary@alias.example"
NEST = "canary@mx1.canary.invalid"


def puller_of(directory: Path, canaries: dict[str, str]) -> Puller:
    server = {"host": "db.example.net", "port": 5432, "name": "a", "user": "b", "authority": "/ca.pem"}
    settings = Settings.model_validate(
        {
            "domains": list(SERVED),
            "canaries": canaries,
            "database": server,
            "timing": {"poll_seconds": 5, "connect_seconds": 1, "statement_seconds": 5},
            "aliases": {"snapshot": str(directory / "aliases.lmdb")},
            "metrics": {"address": "127.0.0.1", "port_base": 20470},
        }
    )
    return Puller(settings, SourceMetrics(directory))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr(reading, "place", script.tell_place)
    monkeypatch.setattr(reading, "everything", script.tell_everything)
    monkeypatch.setattr(reading, "changes", script.tell_changes)
    return script


def known(directory: Path, *addresses: str) -> list[tuple[str, ...]]:
    with Snapshot(directory / "aliases.lmdb") as snapshot:
        return [alias.mailboxes if (alias := snapshot.lookup(address)) else () for address in addresses]


async def test_a_complete_reading_has_them(script: Script, tmp_path: Path) -> None:
    await puller_of(tmp_path, {BIRD: NEST}).pull(CONNECTION)

    assert known(tmp_path, "a@alias.example", BIRD) == [("a@mailbox.example",), (NEST,)]


async def test_a_snapshot_from_before_gets_them_with_the_next_changes(script: Script, tmp_path: Path) -> None:
    await puller_of(tmp_path, {}).pull(CONNECTION)
    script.place = LATER
    await puller_of(tmp_path, {BIRD: NEST}).pull(CONNECTION)

    assert script.asked == ["everything", f"since {HERE.seen}"]
    assert known(tmp_path, BIRD) == [(NEST,)]


@pytest.mark.parametrize("complete", [False, True])
async def test_no_row_takes_their_place(script: Script, tmp_path: Path, complete: bool) -> None:
    puller = puller_of(tmp_path, {BIRD: NEST})
    script.rows = [row("a"), row("b-canary", "evil@mailbox.example")]
    await puller.pull(CONNECTION)
    script.changes = Changes([row("b-canary", "evil@mailbox.example")], [])
    await puller.pull(CONNECTION, complete=complete)
    script.changes = Changes([], [BIRD])
    await puller.pull(CONNECTION)

    assert known(tmp_path, BIRD) == [(NEST,)]


async def test_they_do_not_make_up_for_an_empty_database(script: Script, tmp_path: Path) -> None:
    script.rows = []

    with pytest.raises(SourceError, match="no aliases"):
        await puller_of(tmp_path, {BIRD: NEST}).pull(CONNECTION)

    with pytest.raises(SnapshotError):
        known(tmp_path, BIRD)


def test_joined_they_are_still_in_order() -> None:
    source = [Alias(f"{name}@alias.example", ("x@mailbox.example",)) for name in ("a", "b", "c")]
    own = own_aliases({"z@alias.example": NEST, "b@alias.example": NEST, "aa@alias.example": NEST})

    joined = list(with_own(source, own))
    assert [alias.address.split("@")[0] for alias in joined] == ["a", "aa", "b", "c", "z"]
    assert [alias.mailboxes[0] == NEST for alias in joined] == [False, True, True, False, True]
