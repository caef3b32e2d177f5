"""`python -m controller.dashboard`: write the dashboard."""

from controller.dashboard import DOCUMENT, render

DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
DOCUMENT.write_text(render(), encoding="utf-8")
