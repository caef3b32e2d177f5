"""Pulling from a database: what becomes of the snapshot and its age, whatever the database says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.twinmx.scripted_database import CONNECTION, HERE, LATER, SERVED, Script, row
from twinmx.aliases.database import reading
from twinmx.aliases.database.marker import Marker
from twinmx.aliases.database.metrics import READ_MARK, SourceMetrics
from twinmx.aliases.database.pulling import Puller, SourceError
from twinmx.aliases.database.reading import Changes
from twinmx.aliases.database.rows import Row
from twinmx.aliases.database.settings import Settings
from twinmx.aliases.model import Alias
from twinmx.aliases.snapshot import Snapshot, SnapshotError
from twinmx.aliases.update import build_snapshot, override_alias


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr(reading, "place", script.tell_place)
    monkeypatch.setattr(reading, "everything", script.tell_everything)
    monkeypatch.setattr(reading, "changes", script.tell_changes)
    return script


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "aliases.lmdb"


@pytest.fixture
def metrics(tmp_path: Path) -> SourceMetrics:
    return SourceMetrics(tmp_path)


def puller_of(target: Path, metrics: SourceMetrics) -> Puller:
    server = {"host": "db.example.net", "port": 5432, "name": "a", "user": "b", "authority": "/ca.pem"}
    return Puller(
        Settings.model_validate(
            {
                "domains": list(SERVED),
                "database": server,
                "timing": {"poll_seconds": 5, "connect_seconds": 1, "statement_seconds": 5},
                "aliases": {"snapshot": str(target)},
                "metrics": {"address": "127.0.0.1", "port_base": 20470},
            }
        ),
        metrics,
    )


@pytest.fixture
def puller(target: Path, metrics: SourceMetrics, script: Script) -> Puller:
    return puller_of(target, metrics)


def known(target: Path) -> Iterator[str]:
    with Snapshot(target) as snapshot:
        for name in ("a", "b", "c"):
            if alias := snapshot.lookup(f"{name}@alias.example"):
                yield f"{name} → {alias.mailboxes[0]}" + ("" if alias.enabled else " (disabled)")


def value(metrics: SourceMetrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(f"twinmx_aliases_source_{name}")


async def test_the_first_reading_is_complete_and_the_next_one_of_what_changed(
    puller: Puller, script: Script, target: Path
) -> None:
    await puller.pull(CONNECTION)
    script.changes = Changes([row("b", "new@mailbox.example"), row("c")], ["a@alias.example"])
    script.place = LATER
    await puller.pull(CONNECTION)

    assert script.asked == ["everything", f"since {HERE.seen}"]
    assert list(known(target)) == ["b → new@mailbox.example", "c → c@mailbox.example"]


async def test_a_restarted_follower_goes_on_where_it_was(
    puller: Puller, script: Script, target: Path, metrics: SourceMetrics
) -> None:
    await puller.pull(CONNECTION)
    await puller_of(target, metrics).pull(CONNECTION)

    assert script.asked == ["everything", f"since {HERE.seen}"]


@pytest.mark.parametrize(
    ("place", "changes"), [(Marker("1/2/2/3", "12:12:"), Changes([], [])), (LATER, None)]
)
async def test_all_is_read_again_from_another_database_or_after_too_many_changes(
    puller: Puller, script: Script, target: Path, place: Marker, changes: Changes | None
) -> None:
    await puller.pull(CONNECTION)
    script.place, script.changes, script.rows = place, changes, [row("b"), row("c")]
    await puller.pull(CONNECTION)

    assert script.asked[-1] == "everything"
    assert list(known(target)) == ["b → b@mailbox.example", "c → c@mailbox.example"]


@pytest.mark.parametrize("complete", [False, True])
async def test_a_corrupt_row_leaves_its_alias_as_it_was_and_everything_else_goes_on(
    puller: Puller, script: Script, target: Path, metrics: SourceMetrics, complete: bool
) -> None:
    await puller.pull(CONNECTION)
    corrupt = [row("a", "b@alias.example"), row("c", "no mailbox")]
    changed = row("b", "new@mailbox.example")
    script.changes, script.rows = Changes([*corrupt, changed], []), [corrupt[0], changed, corrupt[1]]
    await puller.pull(CONNECTION, complete=complete)

    assert list(known(target)) == ["a → a@mailbox.example", "b → new@mailbox.example"]
    assert value(metrics, "rejected_rows") == 2


async def test_a_mended_or_deleted_row_is_no_longer_counted(
    puller: Puller, script: Script, metrics: SourceMetrics
) -> None:
    await puller.pull(CONNECTION)
    script.changes = Changes([row("a", None), row("b", None)], [])
    await puller.pull(CONNECTION)
    script.changes = Changes([row("a")], ["b@alias.example"])
    await puller.pull(CONNECTION)

    assert value(metrics, "rejected_rows") == 0


async def test_what_the_operator_of_the_host_said_is_not_taken_for_the_source_s_word(
    puller: Puller, script: Script, target: Path
) -> None:
    await puller.pull(CONNECTION)
    override_alias(target, "a@alias.example", enabled=False)
    script.rows = [row("a", None), row("b")]
    await puller.pull(CONNECTION, complete=True)

    with Snapshot(target) as snapshot:
        stored = snapshot.stored("a@alias.example")
    assert stored
    assert (stored.alias.enabled, stored.enabled_at_source) == (False, True)


@pytest.mark.parametrize("rows", [[], [row("a")]])
async def test_a_database_that_lost_most_of_its_rows_is_not_believed(
    puller: Puller, script: Script, target: Path, rows: list[Row]
) -> None:
    script.rows = [row("a"), row("b"), row("c"), row("d")]
    await puller.pull(CONNECTION)
    script.rows, script.place = rows, Marker("1/2/2/3", "1:1:")

    with pytest.raises(SourceError):
        await puller.pull(CONNECTION)

    assert len(list(known(target))) == 3
    assert puller.marker == HERE


async def test_an_empty_database_makes_no_first_snapshot(
    puller: Puller, script: Script, target: Path
) -> None:
    script.rows = []

    with pytest.raises(SourceError, match="no aliases"):
        await puller.pull(CONNECTION)

    with pytest.raises(SnapshotError):
        list(known(target))


async def test_a_reading_that_breaks_off_leaves_the_snapshot_and_the_age(
    puller: Puller, script: Script, target: Path, metrics: SourceMetrics, tmp_path: Path
) -> None:
    await puller.pull(CONNECTION)
    read = (tmp_path / READ_MARK).stat().st_mtime_ns
    script.rows, script.fails_after = [row("a", "new@mailbox.example"), row("b")], 1

    with pytest.raises(ConnectionResetError):
        await puller.pull(CONNECTION, complete=True)

    assert list(known(target)) == ["a → a@mailbox.example", "b → b@mailbox.example"]
    assert (tmp_path / READ_MARK).stat().st_mtime_ns == read


async def test_the_snapshot_of_a_file_is_replaced_by_the_database_s(
    script: Script, target: Path, metrics: SourceMetrics
) -> None:
    build_snapshot([Alias("c@alias.example", ("c@mailbox.example",))], target)
    puller = puller_of(target, metrics)

    assert puller.marker is None
    await puller.pull(CONNECTION)
    assert list(known(target)) == ["a → a@mailbox.example", "b → b@mailbox.example"]


async def test_the_age_outlives_a_restart(
    puller: Puller, metrics: SourceMetrics, tmp_path: Path, script: Script
) -> None:
    assert value(metrics, "age_seconds") == float("inf")
    await puller.pull(CONNECTION)

    again = SourceMetrics(tmp_path)

    age = value(again, "age_seconds")
    assert age is not None
    assert age < 3600
