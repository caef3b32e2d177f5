"""The list of drills in docs/drills.md is that of the drills."""

from drills.lib.document import DOCUMENT, render


def test_it_is_written_from_the_drills() -> None:
    assert DOCUMENT.read_text() == render(DOCUMENT.read_text()), "run: python -m drills.lib.document"
