"""A plot of matplotlib as SVG that lies within a page: its colours and its font are those of the page.

matplotlib knows fixed colours alone. They are replaced by the page's variables, so that one drawing is right
in light, in dark and on paper. Text stays text: it can be searched and copied, and no font is embedded.
"""

import io
import re

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.figure import Figure

from drills.lib.report.palette import LIGHT

_HEAD = re.compile(r"<svg\b[^>]*>")
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_VIEW = re.compile(r'viewBox="[^"]*"')
_IDENTITY = re.compile(r'\sid="([^"]*)"')
_REFERENCE = re.compile(r'(?:url\(#|href="#)([^")]*)')
_FONT = re.compile(r"(font: [^;\"]*?px )[^;\"]*")
_COLOUR = re.compile("|".join(LIGHT.values()))
_VARIABLES = {value: f"var(--{name})" for name, value in LIGHT.items()}


def inline(figure: Figure, name: str, says: str) -> Markup:
    """`figure` as an element of a page. name: no other plot there has it. says: for screen readers."""
    file = io.StringIO()
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", transparent=True)
    text = _METADATA.sub("", file.getvalue())
    head = _HEAD.search(text)
    view = _VIEW.search(head.group()) if head else None
    if head is None or view is None:
        raise ValueError("matplotlib made no SVG with a viewBox")
    body = _page_styled(text[head.end() :])
    opening = f'<svg {view.group()} role="img" aria-label="{escape(says)}">'
    return Markup(opening + body)  # noqa: S704 (matplotlib has escaped what it was given)


def _page_styled(body: str) -> str:
    body = _FONT.sub(r"\1 system-ui, 'DejaVu Sans', sans-serif", body.replace("xlink:href", "href"))
    referred = set(_REFERENCE.findall(body))
    body = _IDENTITY.sub(lambda found: found.group() if found.group(1) in referred else "", body)
    return _COLOUR.sub(lambda found: _VARIABLES[found.group()], body)
