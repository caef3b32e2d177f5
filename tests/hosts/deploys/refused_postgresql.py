"""PostgreSQL's role with a way to log in that there is not: what the check of the candidate is for."""

from dataclasses import replace

from roles import postgresql
from roles.lib.managed import Managed, ManagedFile
from roles.lib.site import Site, this_site

_render = postgresql.render_files


def _misspelt(site: Site) -> list[Managed]:
    return [
        replace(file, content=file.data.decode().replace("scram-sha-256\n", "scram\n"))
        if isinstance(file, ManagedFile) and file.path.endswith("pg_hba.conf")
        else file
        for file in _render(site)
    ]


postgresql.render_files = _misspelt
postgresql.deploy(this_site())
