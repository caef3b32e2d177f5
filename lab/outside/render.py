"""Render the outside host's templates, with the rules that hold for every role."""

from pathlib import Path

from roles.lib.render import environment_of

_environment = environment_of(Path(__file__).parent / "templates")


def render(template: str, /, **values: object) -> str:
    """The text of lab/outside/templates/`template`; jinja2.UndefinedError names a missing value."""
    return _environment.get_template(template).render(**values)
