"""Render a role's templates; a name the role did not give is an error, never an empty string."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent.parent.parent / "templates"


def environment_of(templates: Path) -> Environment:
    """How templates below `templates` are read: strictly, and with block lines leaving no empty lines."""
    return Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (configuration files, not HTML)
    )


_environment = environment_of(TEMPLATES)


def render(template: str, /, **values: object) -> str:
    """The text of templates/`template` with `values`; jinja2.UndefinedError names a missing one."""
    return _environment.get_template(template).render(**values)
