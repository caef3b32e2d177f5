"""The snapshot: what Postfix and the forwarder read in it, and how it is replaced."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.twinmx import postfix_view
from tests.unit.twinmx.conftest import ALIASES
from twinmx.aliases import snapshot as snapshot_module
from twinmx.aliases.cli import app
from twinmx.aliases.hostformat import dump_aliases
from twinmx.aliases.model import Alias
from twinmx.aliases.record import Stored, decode, encode
from twinmx.aliases.snapshot import Snapshot, SnapshotError, delta_of
from twinmx.aliases.update import build_snapshot

FILES = ["aliases-changes.lmdb", "aliases.lmdb"]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_forwarder_finds_aliases_in_any_case(snapshot_path: Path) -> None:
    hello, off, pair = ALIASES
    with Snapshot(snapshot_path) as snapshot:
        assert snapshot.lookup("HELLO@Alias.EXAMPLE") == hello
        assert snapshot.lookup("off@alias.example") == off
        assert snapshot.lookup("pair@alias.example") == pair
        assert snapshot.lookup("nobody@alias.example") is None


@pytest.mark.parametrize("address", ["", "x" * 600, "\naliases", "\nmeta", "ä@alias.example", "\udcff"])
def test_odd_addresses_are_no_aliases(snapshot_path: Path, address: str) -> None:
    with Snapshot(snapshot_path) as snapshot:
        assert snapshot.lookup(address) is None


def test_postfix_finds_actions_under_addresses_and_nothing_else(snapshot_path: Path) -> None:
    with postfix_view.tables(snapshot_path) as found:
        for table in found:
            assert [key for key in table if b"@" not in key] == [b"\nmeta"], "an SMTP command could ask it"
        assert postfix_view.answer(found, "hello@alias.example") == "OK"
        assert postfix_view.answer(found, "pair@alias.example") == "OK"
        assert postfix_view.answer(found, "off@alias.example") == "550 5.1.1 this alias is disabled"
        assert postfix_view.answer(found, "nobody@alias.example") == postfix_view.UNKNOWN


ONE, TWO = "one@mailbox.example", "two@mailbox.example"


@pytest.mark.parametrize(
    ("disabled", "enabled", "answer"),
    [
        ((TWO,), True, "OK"),
        ((ONE, TWO), True, "550 5.2.1 the mailbox behind this alias is disabled"),
        ((ONE, TWO), False, "550 5.1.1 this alias is disabled"),
    ],
)
def test_without_a_mailbox_in_use_an_alias_is_refused(
    tmp_path: Path, disabled: tuple[str, ...], enabled: bool, answer: str
) -> None:
    """By Postfix itself; the word about the alias goes before the one about its mailboxes."""
    alias = Alias("a@alias.example", (TWO, ONE), "ada", enabled, disabled)
    path = tmp_path / "aliases.lmdb"
    build_snapshot([alias], path)
    with Snapshot(path) as snapshot, postfix_view.tables(path) as found:
        assert snapshot.lookup(alias.address) == alias
        assert postfix_view.answer(found, alias.address) == answer


def test_the_record_of_an_alias_without_disabled_mailboxes_is_as_it_always_was() -> None:
    alias = Alias("a@alias.example", (TWO, ONE), "ada")
    assert encode(Stored(alias, enabled_at_source=True)) == f"OK\0+ada\0{TWO}\0{ONE}".encode()


@pytest.mark.parametrize(
    "value",
    [
        "OK\0+",
        "OK\0+\0",
        "OK\0+\0one@x.example\0",
        "OK\0+\0one@x.example\0\0two@x.example",
        "OK\0+\0one@x.example\0\0one@x.example",
        "OK\0+\0one@x.example\0two@x.example\0\0one@x.example\0",
        "550 5.2.1 the mailbox behind this alias is disabled\0+\0one@x.example",
        "550 5.2.1 else\0+\0one@x.example\0\0one@x.example",
        "OK\0?\0one@x.example",
    ],
)
def test_a_damaged_record_is_never_an_answer(value: str) -> None:
    with pytest.raises(ValueError, match="not a record"):
        decode("a@alias.example", value.encode())


def test_the_files_are_readable_by_all_and_nothing_is_left_beside_them(snapshot_path: Path) -> None:
    assert names(snapshot_path.parent) == FILES
    for name in FILES:
        assert stat.S_IMODE((snapshot_path.parent / name).stat().st_mode) == 0o644


def test_meta_tells_marker_count_and_time(snapshot_path: Path) -> None:
    with Snapshot(snapshot_path) as snapshot:
        first = snapshot.meta()
        assert (first.count, first.marker) == (len(ALIASES), "")
        build_snapshot(ALIASES[:1], snapshot_path, marker="7:12")
        second = snapshot.meta()
    assert (second.count, second.marker) == (1, "7:12")
    assert second.built_at == second.changed_at > first.built_at


def test_a_running_reader_sees_each_replacement_and_keeps_no_old_one(snapshot_path: Path) -> None:
    with Snapshot(snapshot_path) as snapshot:
        for number in range(50):
            build_snapshot([Alias("hello@alias.example", (f"n{number}@mailbox.example",))], snapshot_path)
            found = snapshot.lookup("hello@alias.example")
            assert found is not None
            assert found.mailboxes == (f"n{number}@mailbox.example",)
        assert ".lmdb (deleted)" not in Path("/proc/self/maps").read_text()


def test_readers_of_one_process_do_not_disturb_each_other(snapshot_path: Path) -> None:
    with Snapshot(snapshot_path) as first:
        with Snapshot(snapshot_path) as second:
            assert first.lookup("hello@alias.example") == second.lookup("hello@alias.example") == ALIASES[0]
        assert first.lookup("hello@alias.example") == ALIASES[0]


@pytest.mark.parametrize("part", [lambda base: base, delta_of], ids=["base", "delta"])
def test_a_missing_file_is_an_error_not_a_no(snapshot_path: Path, part: type[Path]) -> None:
    with Snapshot(snapshot_path) as snapshot:
        snapshot.lookup("hello@alias.example")
        part(snapshot_path).unlink()
        with pytest.raises(SnapshotError, match="No such file"):
            snapshot.lookup("hello@alias.example")
    with Snapshot(snapshot_path) as snapshot, pytest.raises(SnapshotError, match="No such file"):
        snapshot.meta()


@pytest.mark.parametrize("part", [lambda base: base, delta_of], ids=["base", "delta"])
@pytest.mark.parametrize("content", [b"", b"junk" * 4096])
def test_a_file_that_is_no_snapshot_is_an_error(
    snapshot_path: Path, part: type[Path], content: bytes
) -> None:
    part(snapshot_path).write_bytes(content)
    with Snapshot(snapshot_path) as snapshot, pytest.raises(SnapshotError, match="not a snapshot"):
        snapshot.lookup("hello@alias.example")


@pytest.mark.parametrize("pages", range(5))
def test_a_file_that_was_cut_short_is_an_error(snapshot_path: Path, pages: int) -> None:
    many = [Alias(f"a{number:04}@alias.example", ("m@mailbox.example",)) for number in range(500)]
    build_snapshot(many, snapshot_path)
    snapshot_path.write_bytes(snapshot_path.read_bytes()[: pages * 4096 + 100])
    with Snapshot(snapshot_path) as snapshot, pytest.raises(SnapshotError, match="not a snapshot"):
        snapshot.lookup("a0499@alias.example")


@pytest.mark.parametrize(
    "damage", [(b"OK\0+", b"NO\0+"), (b"OK\0+", b"OK\0?"), (b"\0hello@mailbox", b"\xffhello@mailbox")]
)
def test_a_damaged_record_is_an_error(snapshot_path: Path, damage: tuple[bytes, bytes]) -> None:
    build_snapshot(ALIASES[:1], snapshot_path)
    content = snapshot_path.read_bytes()
    assert damage[0] in content
    snapshot_path.write_bytes(content.replace(*damage))
    with Snapshot(snapshot_path) as snapshot, pytest.raises(SnapshotError, match="damaged"):
        snapshot.lookup("hello@alias.example")


def test_a_failed_build_leaves_the_old_files(tmp_path: Path, snapshot_path: Path) -> None:
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    source = tmp_path / "aliases.jsonl"
    source.write_bytes(dump_aliases(ALIASES) + b"junk\n")
    result = CliRunner().invoke(app, ["build", str(source), str(snapshot_path)])
    assert result.exit_code == 1
    assert f"{source}:4:" in result.output
    source.unlink()
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        (Alias("x" * 600 + "@alias.example", ("x@y.example",)), "not an address"),
        (Alias("Big@alias.example", ("x@y.example",)), "folded case"),
        (Alias("a@alias.example", ()), "no mailbox"),
        (Alias("a@alias.example", ("x@y.example",), "a\0b"), "NUL"),
        (
            Alias("a@alias.example", ("x@y.example",), disabled_mailboxes=("z@y.example",)),
            "none of its mailboxes",
        ),
    ],
)
def test_an_alias_that_no_record_can_hold_is_refused(snapshot_path: Path, alias: Alias, message: str) -> None:
    before = snapshot_path.read_bytes()
    with pytest.raises(ValueError, match=message):
        build_snapshot([alias], snapshot_path)
    assert names(snapshot_path.parent) == FILES
    assert snapshot_path.read_bytes() == before


@pytest.mark.parametrize("aliases", [ALIASES[::-1], ALIASES[:1] * 2], ids=["order", "twice"])
def test_aliases_out_of_order_are_refused(snapshot_path: Path, aliases: tuple[Alias, ...]) -> None:
    with pytest.raises(ValueError, match="sorted, each once"):
        build_snapshot(aliases, snapshot_path)


def test_the_name_must_end_in_lmdb(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.lmdb"):
        build_snapshot(ALIASES, tmp_path / "aliases.db")


def test_build_from_the_command_line(tmp_path: Path) -> None:
    source, target = tmp_path / "aliases.jsonl", tmp_path / "aliases.lmdb"
    source.write_bytes(dump_aliases(ALIASES))
    result = CliRunner().invoke(app, ["build", str(source), str(target)])
    assert result.output == f"{target}: 3 aliases\n"
    with Snapshot(target) as snapshot:
        assert snapshot.lookup("pair@alias.example") == ALIASES[2]


def test_many_aliases_are_found_however_many_were_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "aliases.lmdb"
    many = [Alias(f"a{number:05}@alias.example", (f"m{number}@mailbox.example",)) for number in range(30_000)]
    build_snapshot(iter(many), path)
    with Snapshot(path) as snapshot:
        assert all(snapshot.lookup(alias.address) == alias for alias in many[::7])
        assert snapshot.meta().count == 30_000


def test_a_reader_keeps_few_pages_of_what_it_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_module, "_LOOKUPS_PER_MAPPING", 10)
    path = tmp_path / "aliases.lmdb"
    many = [Alias(f"a{number:05}@alias.example", ("m@mailbox.example",)) for number in range(30_000)]
    build_snapshot(many, path)
    with Snapshot(path) as snapshot:
        for alias in many[:: len(many) // 105]:
            assert snapshot.lookup(alias.address) == alias
        resident = resident_bytes(path)
        assert 0 < resident < path.stat().st_size / 2


def resident_bytes(path: Path) -> int:
    """What this process has in memory of a file that it mapped (proc_pid_smaps(5))."""
    _, _, mapping = Path("/proc/self/smaps").read_text().partition(f" {path}\n")
    return int(mapping.split("Rss:")[1].split()[0]) * 1024
