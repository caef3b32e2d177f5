"""`twinmx-drift`: compare this host with what the last converge made of it."""

import argparse
import sys
from pathlib import Path

from twinmx.drift import metrics
from twinmx.drift.checking import report_on
from twinmx.drift.finding import Report
from twinmx.drift.manifest import MANIFEST, load_manifest
from twinmx.program.settings import SettingsError


def main() -> int:
    """Run the program; returns its exit status: 0 nothing differs, 2 something does, 1 an error."""
    parser = argparse.ArgumentParser(prog="twinmx-drift", description=__doc__)
    parser.add_argument("--manifest", type=Path, default=MANIFEST, help=f"default: {MANIFEST}")
    parser.add_argument("--metrics", type=Path, metavar="FILE", help="write figures for the node exporter")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    parser.add_argument("--check", action="store_true", help="check the manifest and stop")
    arguments = parser.parse_args()
    try:
        manifest = load_manifest(arguments.manifest)
        if arguments.check:
            return 0
        report = report_on(manifest)
        if arguments.metrics:
            metrics.write(report, arguments.metrics)
    except (SettingsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(report.model_dump_json() if arguments.json else as_lines(report), flush=True)
    return report.status


def as_lines(report: Report) -> str:
    """A line for each finding, as the journal keeps them."""
    lines = [f"{finding.key}: {finding.problem}" for finding in report.findings]
    lines += [f"allowed: {finding.key}: {finding.problem}" for finding in report.allowed]
    lines += [f"{what} could not be looked at: {why}" for what, why in report.errors.items()]
    return "\n".join(lines) or "nothing differs"
