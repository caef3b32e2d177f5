"""A backup is whole, or refused."""

import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.unit.twinmx.recovering import Host, backup, content, item
from twinmx.recovery.archive import MANIFEST, ArchiveError, Manifest, check
from twinmx.recovery.restoring import restore


def rewritten(path: Path, change: Any) -> Path:
    """The archive with each member as `change(name, data)` says; None leaves it out."""
    target = path.with_name("changed.tar")
    with tarfile.open(path) as there, tarfile.open(target, "w") as here:
        for info in there:
            file = there.extractfile(info)
            assert file
            data = change(info.name, file.read())
            if data is not None:
                info.size = len(data)
                here.addfile(info, BytesIO(data))
    return target


def test_a_backup_says_what_it_is(old: Host) -> None:
    item(old)

    manifest = check(backup(old), "mx1")

    assert (manifest.host, manifest.count("quarantine"), manifest.notes) == ("mx1", 1, [])


def test_another_host_s_is_refused(old: Host) -> None:
    with pytest.raises(ArchiveError, match="is a backup of mx1, not of mx2"):
        check(backup(old), "mx2")


def test_every_damage_is_refused(old: Host) -> None:
    item(old)
    path = backup(old)
    whole = path.read_bytes()
    with tarfile.open(path) as tar:
        ends = max(info.offset_data + info.size for info in tar)
    for at in (*range(0, ends, 97), ends - 1):
        path.write_bytes(whole[:at])
        with pytest.raises(ArchiveError):
            check(path, "mx1")
    changed = rewritten(path, lambda name, data: data) if path.write_bytes(whole) else path
    assert check(changed, "mx1")
    for tampered in (
        lambda name, data: data if name == MANIFEST else data[:-1] + b"x",
        lambda name, data: data if name == MANIFEST or name.endswith("eml") else None,
        lambda name, data: data.replace(b"twinmx backup 1", b"twinmx backup 9"),
        lambda name, data: None if name == MANIFEST else data,
    ):
        with pytest.raises(ArchiveError):
            check(rewritten(path, tampered), "mx1")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "quarantine/../x", "quarantine/.x", "x"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.tar"
    manifest = Manifest(host="mx1", made_at=0, release="1").model_dump_json().encode()
    with tarfile.open(path, "w") as tar:
        for member, data in ((name, b"x"), (MANIFEST, manifest)):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))

    with pytest.raises(ArchiveError, match="no backup has a file of the name"):
        check(path, "mx1")


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("quarantine/a")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/shadow"
        tar.addfile(info)

    with pytest.raises(ArchiveError, match="is no file"):
        check(path, "mx1")


def test_what_is_damaged_changes_nothing(old: Host, new: Host) -> None:
    item(old)
    path = backup(old)
    path.write_bytes(path.read_bytes()[:-12_000])
    before = content(new.root)

    with pytest.raises(ArchiveError):
        restore(new.places, "mx1", path)

    assert content(new.root) == before
