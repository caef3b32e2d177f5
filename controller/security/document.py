"""The table of sockets in docs/security.md, between two marks; the rest of the file is written by hand."""

from collections.abc import Iterable
from pathlib import Path

from controller.pyinfra import ROOT
from controller.security.sockets import Row

DOCUMENT = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- sockets -->", "<!-- /sockets -->"
HEADINGS = Row("", "where", "owner", "reached from", "what for")


def table(found: Iterable[Row]) -> str:
    """The rows as Markdown."""
    lines = [HEADINGS, Row(*("---" for _ in HEADINGS)), *found]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def documented(document: Path = DOCUMENT) -> str:
    """The table as the document has it."""
    return document.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()


def write(found: Iterable[Row], document: Path = DOCUMENT) -> None:
    """Put the table in its place."""
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    document.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{after}", encoding="utf-8")
