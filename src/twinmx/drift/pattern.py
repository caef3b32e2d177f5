"""Patterns in which * is any text and everything else is meant as it stands, as in [::1]:25."""

import re


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of `text` fits."""
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None
