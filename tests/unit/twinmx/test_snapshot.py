"""The snapshot file: what Postfix and the forwarder read in it, and how it is replaced."""

import stat
from pathlib import Path

import lmdb
import pytest
from typer.testing import CliRunner

from tests.unit.twinmx.conftest import ALIASES
from twinmx.aliases.cli import app
from twinmx.aliases.hostformat import dump_aliases
from twinmx.aliases.model import Alias
from twinmx.aliases.snapshot import Snapshot, SnapshotError, build_snapshot


def test_the_forwarder_finds_aliases_in_any_case(snapshot_path: Path) -> None:
    with Snapshot(snapshot_path) as snapshot:
        assert snapshot.lookup("HELLO@Alias.EXAMPLE") == ALIASES[0]
        assert snapshot.lookup("pair@alias.example") == ALIASES[1]
        assert snapshot.lookup("off@alias.example") == ALIASES[2]
        assert snapshot.lookup("nobody@alias.example") is None


@pytest.mark.parametrize("address", ["", "x" * 600, "\naliases", "\nmeta", "ä@alias.example", "\udcff"])
def test_odd_addresses_are_no_aliases(snapshot_path: Path, address: str) -> None:
    with Snapshot(snapshot_path) as snapshot:
        assert snapshot.lookup(address) is None


def test_postfix_finds_actions_in_the_unnamed_table(snapshot_path: Path) -> None:
    environment = lmdb.open(str(snapshot_path), subdir=False, readonly=True, lock=False)
    with environment, environment.begin() as transaction:
        table = dict(transaction.cursor())
    names = {key for key in table if b"@" not in key}
    assert all(name.startswith(b"\n") for name in names), "an SMTP command could ask for it"
    assert {key: value for key, value in table.items() if key not in names} == {
        b"hello@alias.example": b"DUNNO",
        b"off@alias.example": b"550 5.1.1 <off@alias.example>: this alias is disabled",
        b"pair@alias.example": b"DUNNO",
    }


def test_the_file_is_readable_by_all_and_leaves_nothing_beside_it(snapshot_path: Path) -> None:
    assert stat.S_IMODE(snapshot_path.stat().st_mode) == 0o644
    assert [path.name for path in snapshot_path.parent.iterdir()] == ["aliases.lmdb"]


def test_meta_tells_source_and_count(snapshot_path: Path) -> None:
    with Snapshot(snapshot_path) as snapshot:
        first = snapshot.meta()
        assert first.count == len(ALIASES)
        build_snapshot(ALIASES[:1], snapshot_path)
        second = snapshot.meta()
    assert second.count == 1
    assert second.source_digest != first.source_digest
    assert second.built_at > first.built_at


def test_a_running_reader_sees_each_replacement_and_keeps_no_old_one(snapshot_path: Path) -> None:
    with Snapshot(snapshot_path) as snapshot:
        for number in range(50):
            build_snapshot([Alias("hello@alias.example", (f"n{number}@mailbox.example",))], snapshot_path)
            found = snapshot.lookup("hello@alias.example")
            assert found is not None
            assert found.mailboxes == (f"n{number}@mailbox.example",)
        assert "aliases.lmdb (deleted)" not in Path("/proc/self/maps").read_text()


def test_a_missing_file_is_an_error_not_a_no(tmp_path: Path, snapshot_path: Path) -> None:
    with Snapshot(tmp_path / "none.lmdb") as snapshot, pytest.raises(SnapshotError, match="No such file"):
        snapshot.lookup("hello@alias.example")
    with Snapshot(snapshot_path) as snapshot:
        snapshot.lookup("hello@alias.example")
        snapshot_path.unlink()
        with pytest.raises(SnapshotError, match="No such file"):
            snapshot.lookup("hello@alias.example")


@pytest.mark.parametrize("content", [b"", b"junk" * 4096])
def test_a_file_that_is_no_snapshot_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "aliases.lmdb"
    path.write_bytes(content)
    with Snapshot(path) as snapshot, pytest.raises(SnapshotError, match="not a snapshot"):
        snapshot.lookup("hello@alias.example")


def test_a_failed_build_leaves_the_old_file(tmp_path: Path, snapshot_path: Path) -> None:
    before = snapshot_path.read_bytes()
    source = tmp_path / "aliases.jsonl"
    source.write_bytes(b"junk\n")
    result = CliRunner().invoke(app, ["build", str(source), str(snapshot_path)])
    assert result.exit_code == 1
    assert f"{source}:1:" in result.output
    assert snapshot_path.read_bytes() == before
    too_long = Alias("x" * 600 + "@alias.example", ("x@y.example",))
    with pytest.raises(lmdb.Error):
        build_snapshot([too_long], snapshot_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aliases.jsonl", "aliases.lmdb"]
    assert snapshot_path.read_bytes() == before


def test_the_name_must_end_in_lmdb(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.lmdb"):
        build_snapshot(ALIASES, tmp_path / "aliases.db")


def test_build_and_show_from_the_command_line(tmp_path: Path) -> None:
    source, target = tmp_path / "aliases.jsonl", tmp_path / "aliases.lmdb"
    source.write_bytes(dump_aliases(ALIASES))
    runner = CliRunner()
    assert runner.invoke(app, ["build", str(source), str(target)]).output == f"{target}: 3 aliases\n"
    shown = runner.invoke(app, ["show", "Off@alias.example", "--snapshot", str(target)])
    assert shown.output == "off@alias.example (disabled): hello@mailbox.example\n"
    missing = runner.invoke(app, ["show", "no@alias.example", "--snapshot", str(target)])
    assert missing.exit_code == 1
    assert "no such alias" in missing.output


def test_many_aliases_fit(tmp_path: Path) -> None:
    path = tmp_path / "aliases.lmdb"
    many = [Alias(f"a{number}@alias.example", (f"m{number}@mailbox.example",)) for number in range(20_000)]
    build_snapshot(many, path)
    with Snapshot(path) as snapshot:
        assert snapshot.lookup("a19999@alias.example") == many[-1]
