"""The site with a template of its last role that asks for a name nobody gives."""

from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader
from pyinfra import local

from roles.lib import render

_misspelt = DictLoader({"postfix/out/main.cf.j2": "myhostname = {{ fqnd }}\n"})
render._environment.loader = ChoiceLoader([_misspelt, FileSystemLoader(render.TEMPLATES)])

local.include("deploy.py")
