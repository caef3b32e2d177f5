"""Render the outside host's templates, with the rules that hold for every role."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"

_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 (configuration files, not HTML)
)


def render(template: str, /, **values: object) -> str:
    """The text of lab/outside/templates/`template`; jinja2.UndefinedError names a missing value."""
    return _environment.get_template(template).render(**values)
