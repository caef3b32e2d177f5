"""The colours of pages and plots, by name, for readers of light and of dark pages.

A plot is drawn once, in the light colours. In a page each of them becomes the variable of its name, so that
the reader's preference decides; therefore no two names may share a light colour.
"""

LIGHT = {
    "page": "#f4f6f8",
    "card": "#ffffff",
    "ink": "#1b2229",
    "soft": "#57626d",
    "line": "#d5dbe1",
    "good": "#17702f",
    "warn": "#8a5d00",
    "bad": "#c5202c",
    "unknown": "#57626e",
    "good-pale": "#e6f4ea",
    "warn-pale": "#fdf3d7",
    "bad-pale": "#fdeaea",
    "unknown-pale": "#eceff2",
    "c0": "#1f66d0",
    "c1": "#d0620a",
    "c2": "#7443c4",
    "c3": "#0b7d73",
    "c4": "#b8336a",
    "c5": "#6b7a12",
    "c6": "#4a90b8",
    "c7": "#8c8f94",
}
DARK = {
    "page": "#0e1216",
    "card": "#171c22",
    "ink": "#e4e8ec",
    "soft": "#9aa6b2",
    "line": "#343d47",
    "good": "#4cc463",
    "warn": "#e0a82e",
    "bad": "#ff6b64",
    "unknown": "#9aa6b3",
    "good-pale": "#14291a",
    "warn-pale": "#2e2510",
    "bad-pale": "#351719",
    "unknown-pale": "#222930",
    "c0": "#6aa5ff",
    "c1": "#f39a50",
    "c2": "#b394f4",
    "c3": "#45c3b4",
    "c4": "#f07ba6",
    "c5": "#b9c94a",
    "c6": "#8fc7e6",
    "c7": "#b4b8be",
}
CURVES = 8
"""How many colours there are for curves: c0 to c7."""


def variables() -> str:
    """The colours as a style sheet: light, dark where the reader prefers it, light again on paper."""
    light, dark = (" ".join(f"--{name}: {value};" for name, value in one.items()) for one in (LIGHT, DARK))
    return f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
