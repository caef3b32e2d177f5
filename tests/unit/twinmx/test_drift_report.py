"""A whole comparison: what is allowed, what could not be looked at, its figures, and the manifest."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.twinmx.drifting import manifest
from twinmx.drift import main, metrics
from twinmx.drift.asking import CannotTellError
from twinmx.drift.checking import report_on, sorted_out
from twinmx.drift.finding import KINDS, Finding, Report
from twinmx.drift.manifest import Manifest
from twinmx.drift.pattern import matches

SPARE = Finding(kind="cron", name="/etc/cron.d/backup", problem="p")
EVIL = Finding(kind="cron", name="/etc/cron.d/evil", problem="p")


def test_what_the_inventory_allows_is_shown_and_no_drift() -> None:
    report = sorted_out(manifest(allowed=["cron:/etc/cron.d/b*"]), [SPARE, EVIL, EVIL], {})

    assert (report.findings, report.allowed, report.status) == ([EVIL], [SPARE], 2)
    assert sorted_out(manifest(allowed=["cron:*"]), [SPARE, EVIL], {}).status == 0


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("tcp [::1]:53 *", "tcp [::1]:53 unbound", True),
        ("tcp [::1]:53 *", "tcp :53 unbound", False),
        ("cron:/etc/cron.d/a", "cron:/etc/cron.d/ab", False),
        ("unit:*.conf", "unit:/a/b.conf", True),
    ],
)
def test_patterns(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_what_cannot_be_looked_at_is_an_error_and_the_rest_is_looked_at() -> None:
    def broken(_: Manifest) -> Iterator[Finding]:
        raise CannotTellError("nft: not found")
        yield EVIL

    report = report_on(manifest(), {"firewall": broken, "places": lambda _: iter([EVIL])})

    assert (report.findings, report.errors, report.status) == ([EVIL], {"firewall": "nft: not found"}, 1)
    assert main.as_lines(report).splitlines() == [
        "cron:/etc/cron.d/evil: p",
        "firewall could not be looked at: nft: not found",
    ]


def test_the_figures_have_every_kind(tmp_path: Path) -> None:
    file = tmp_path / "drift.prom"
    before = os.umask(0o077)  # the service's

    metrics.write(Report(findings=[EVIL, SPARE], allowed=[], errors={}), file)

    os.umask(before)

    lines = file.read_text().splitlines()
    assert 'twinmx_drift{kind="cron"} 2.0' in lines
    assert len([line for line in lines if line.startswith("twinmx_drift{")]) == len(KINDS)
    assert "twinmx_drift_errors 0.0" in lines
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_manifest_that_cannot_be_read_is_said_without_its_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "manifest.json"

    def status(*options: str) -> int:
        monkeypatch.setattr("sys.argv", ["twinmx-drift", "--manifest", str(file), *options])
        return main.main()

    assert status() == 1
    assert "No such file or directory; a converge writes it" in capsys.readouterr().err
    file.write_text('{"version": 1, "files": {"/x": "secret-digest"}}')
    assert status("--check") == 1
    said = capsys.readouterr().err
    assert "files./x: " in said
    assert "secret-digest" not in said
    file.write_text(manifest().model_dump_json())
    assert status("--check") == 0
