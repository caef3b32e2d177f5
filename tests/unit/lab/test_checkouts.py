"""Checkouts with a change in them: those of tests/rolling still fit the sources that they change."""

import compileall
from pathlib import Path

import pytest

from lab import checkouts
from lab.checkouts import Edit, checkout
from tests.rolling.releases import CRASHES, HARMLESS, PUTS_OFF, REFUSES


@pytest.mark.parametrize(
    "edits", [HARMLESS, CRASHES, PUTS_OFF, REFUSES], ids=["good", "crashes", "451", "refuses"]
)
def test_a_checkout_has_the_change_and_still_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edits: tuple[Edit, ...]
) -> None:
    monkeypatch.setattr(checkouts, "CHECKOUTS", tmp_path)

    folder = checkout("drill", *edits)

    for edit in edits:
        assert edit.new in (folder / edit.file).read_text()
    assert compileall.compile_dir(folder / "src" / "twinmx" / "forwarder", quiet=2)
    assert (folder / "build" / "lab").is_symlink()


def test_an_edit_that_no_longer_fits_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkouts, "CHECKOUTS", tmp_path)

    with pytest.raises(ValueError, match="mend the drill"):
        checkout("drill", Edit("deploy.py", "no such line", ""))
