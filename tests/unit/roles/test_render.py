"""Templates: a misspelt name is an error."""

from pathlib import Path

import pytest
from jinja2 import TemplateSyntaxError, UndefinedError

from roles.lib import render as rendering
from roles.lib.render import TEMPLATES, render


def test_a_name_that_the_role_does_not_give_is_an_error_that_names_it() -> None:
    with pytest.raises(UndefinedError, match="'digests' is undefined"):
        render("valkey/users.acl.j2", digsets=["0123"])


def test_every_template_is_well_formed() -> None:
    names = [str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.j2")]
    assert len(names) > 20
    for name in names:
        try:
            rendering._environment.get_template(name)
        except TemplateSyntaxError as error:
            pytest.fail(f"{name}: {error}")


def test_nothing_lies_among_the_templates_that_is_none() -> None:
    assert [path for path in TEMPLATES.rglob("*") if path.is_file() and path.suffix != ".j2"] == []


def test_every_template_belongs_to_a_role() -> None:
    roles = Path(rendering.__file__).parent.parent
    shared = {"lib"}  # pieces that several roles include
    folders = {folder.name for folder in TEMPLATES.iterdir()} - shared
    assert [name for name in folders if not (roles / f"{name}.py").exists()] == []
