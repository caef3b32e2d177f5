"""What the files of a run are called: STAMP-VARIANT.json, .html and .png in the folder of its drill."""

from datetime import UTC, datetime
from pathlib import Path

from drills.lib.record import Record


def place(record: Record, folder: Path, ending: str, what: str = "") -> Path:
    """The file of `record` in `folder`, that of its drill, as `20261123T051500-now.html`.

    ending: as ".html". what: instead of the variant, as "pair".
    """
    stamp = datetime.fromtimestamp(record.started, UTC).strftime("%Y%m%dT%H%M%S")
    return folder / f"{stamp}-{what or record.variant}{ending}"
