"""A backup put back: what is there is kept, and twice is the same as once."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.twinmx.recovering import Host, backup, content, item
from twinmx.aliases.overrides import Override, write_overrides
from twinmx.quarantine import Quarantine
from twinmx.recovery import saving
from twinmx.recovery.archive import check
from twinmx.recovery.places import chown
from twinmx.recovery.restoring import restore

BLOCK = "01J0000000000000000000000A"


def test_a_quarantined_message_comes_back_with_its_age(old: Host, new: Host) -> None:
    name = item(old)
    for path in (old.places.quarantine / name).iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))

    assert restore(new.places, "mx1", backup(old)) == ["quarantine: 1 restored, 0 were there"]

    assert content(new.places.quarantine) == content(old.places.quarantine)
    here = new.places.quarantine / name
    assert {path.stat().st_mtime for path in (here, *here.iterdir())} == {1_700_000_000}
    assert here.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in here.iterdir()} == {0o600}


def test_what_is_there_is_kept_and_twice_is_as_once(old: Host, new: Host) -> None:
    name, other = item(old), item(old, b"other\r\n")
    kept = new.places.quarantine / name
    kept.mkdir()
    (kept / "release.json").write_bytes(b"half released")
    path = backup(old)

    restore(new.places, "mx1", path)
    once = content(new.places.quarantine)

    assert restore(new.places, "mx1", path) == ["quarantine: 0 restored, 2 were there"]
    assert content(new.places.quarantine) == once
    assert once[f"{name}/release.json"] == b"half released"
    assert once[f"{other}/message.eml"] == b"other\r\n"
    assert f"{name}/message.eml" not in once


def test_a_restore_that_was_broken_off_is_begun_anew(old: Host, new: Host) -> None:
    name = item(old)
    (new.places.quarantine / f".{name}").mkdir()

    restore(new.places, "mx1", backup(old))

    assert [path.name for path in new.places.quarantine.iterdir()] == [name]


def test_what_somebody_releases_meanwhile_is_told(old: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "HELD_SECONDS", 0.0)
    name = item(old)

    with Quarantine(old.places.quarantine).hold(name):
        manifest = check(backup(old), "mx1")

    assert manifest.count("quarantine") == 0
    assert manifest.notes == [f"not saved: {name}: somebody else has it in hand"]


def test_aliases_that_were_switched_off_stay_so_on_the_new_host(old: Host, new: Host) -> None:
    off = {"a@alias.example": Override(False, 1.0, "flood"), "b@alias.example": Override(True, 2.0)}
    write_overrides(old.places.overrides, off)
    write_overrides(new.places.overrides, {"b@alias.example": Override(False, 3.0)})

    told = restore(new.places, "mx1", backup(old))

    assert told == ["alias overrides: 1 restored, 1 were there"]
    assert new.ran == ["mxctl alias disable --local --reason flood -- a@alias.example"]


def test_what_the_engines_learned_comes_back(old: Host, new: Host) -> None:
    tokens = old.places.bayes_home / ".spamassassin/bayes_toks"
    tokens.parent.mkdir()
    tokens.touch()
    with closing(sqlite3.connect(old.places.rspamd / "bayes.spam.sqlite")) as base:
        base.execute("create table tokens (token int)")
        base.execute("insert into tokens values (7)")
        base.commit()
    (new.places.rspamd / "bayes.spam.sqlite-wal").write_bytes(b"of the file that is replaced")

    told = restore(new.places, "mx1", backup(old))

    assert told == ["bayes: Rspamd has its bayes.spam.sqlite", "bayes: SpamAssassin has what it had learned"]
    assert (new.root / "learned").read_bytes() == b"tokens\n"
    assert not (new.places.bayes_home / ".restore").exists()
    with closing(sqlite3.connect(new.places.rspamd / "bayes.spam.sqlite")) as base:
        assert base.execute("select token from tokens").fetchall() == [(7,)]
    assert new.ran[:2] == ["systemctl stop rspamd.service", "systemctl start rspamd.service"]


def test_a_link_in_another_user_s_directory_leads_root_nowhere(
    old: Host, new: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a program that was taken over puts where a restore, or a backup, comes by as root."""
    tokens = old.places.bayes_home / ".spamassassin/bayes_toks"
    tokens.parent.mkdir()
    tokens.touch()
    with closing(sqlite3.connect(old.places.rspamd / "bayes.spam.sqlite")) as base:
        base.execute("create table tokens (token int)")
    secret = new.root / "secret"
    secret.write_bytes(b"root's")
    (new.places.bayes_home / ".restore").symlink_to(secret)
    (new.places.rspamd / ".bayes.spam.sqlite").symlink_to(secret)

    restore(new.places, "mx1", backup(old))

    assert secret.read_bytes() == b"root's"
    assert not (new.places.rspamd / "bayes.spam.sqlite").is_symlink()
    (old.places.quarantine / item(old) / "message.eml").rename(old.root / "aside")
    (old.places.quarantine / Quarantine(old.places.quarantine).names()[0] / "message.eml").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        backup(old)


def test_root_gives_away_no_file_that_a_link_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(os, "chown", lambda *_, follow_symlinks=True: asked.append(follow_symlinks))

    chown(tmp_path, "root")

    assert asked == [False]
    with pytest.raises(LookupError, match="no user 'nobody-here' here: converge this host first"):
        chown(tmp_path, "nobody-here")


def block(old: Host, name: str) -> None:
    (old.places.prometheus / name / "chunks").mkdir(parents=True)
    (old.places.prometheus / name / "meta.json").write_text("{}")
    (old.places.prometheus / name / "chunks/000001").write_bytes(b"chunk")


def test_prometheus_blocks_come_back_where_they_were_asked_for(old: Host, new: Host) -> None:
    block(old, BLOCK)
    (old.places.prometheus / "wal").mkdir()
    (old.places.prometheus / "wal/00000001").write_bytes(b"grows")

    assert check(backup(old), "mx1").count("prometheus") == 0
    path = backup(old, prometheus=True)

    assert restore(new.places, "mx1", path) == ["prometheus: 1 blocks restored, 0 were there"]
    assert content(new.places.prometheus) == {
        f"{BLOCK}/meta.json": b"{}",
        f"{BLOCK}/chunks/000001": b"chunk",
    }
    assert [path.name for path in old.places.prometheus.parent.iterdir()] == ["metrics2"]
    restore(new.places, "mx1", path)
    assert new.ran == ["systemctl stop prometheus.service", "systemctl start prometheus.service"]


def test_a_block_that_is_replaced_meanwhile_does_not_leave_a_gap(
    old: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compaction: the second look finds the block that has taken the place of the first."""
    block(old, BLOCK)
    later = BLOCK.replace("A", "B")
    real, looks = saving._blocks, 0

    def looked(directory: Path) -> list[str]:
        nonlocal looks
        looks += 1
        if looks == 2:
            (directory / BLOCK).rename(directory / later)
        return real(directory)

    monkeypatch.setattr(saving, "_blocks", looked)

    manifest = check(backup(old, prometheus=True), "mx1")

    assert sorted(manifest.files) == [f"prometheus/{later}/chunks/000001", f"prometheus/{later}/meta.json"]


def test_nothing_is_a_backup_too(old: Host, new: Host) -> None:
    assert restore(new.places, "mx1", backup(old)) == ["the backup is empty: nothing was restored"]
    assert json.loads(check(backup(old), "mx1").model_dump_json())["files"] == {}
