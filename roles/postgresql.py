"""PostgreSQL with the aliases, where they come from a database: the role of that host.

Ports: 5432 (`database.port`) from the exchangers and the applications, over TLS, with passwords
(scram-sha-256) and nothing else. No mail waits for it: exchangers follow it into a local file, so it may
be away, and only changes wait. The exchangers' role reads, and may switch an alias off and on; tables
belong to `twinmx`, who logs in on this host alone; the application gets a role of its own that is granted
`aliases_editor`.
"""

from pathlib import Path

from roles.lib.converge import converged, converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link
from roles.tls import check_pair

VERSION = 17  # Debian 13's
PACKAGES = (f"postgresql-{VERSION}",)
CONFIGURATION = f"/etc/postgresql/{VERSION}/main"
BINARIES = f"/usr/lib/postgresql/{VERSION}/bin"
UNIT = f"postgresql@{VERSION}-main.service"
CERTIFICATE = f"{CONFIGURATION}/twinmx.pem"
KEY = f"{CONFIGURATION}/twinmx.key"
ROLES = "/etc/twinmx/credentials/database-roles.sql"

# There is no checker that reads all files: the candidate runs for a moment, without a port, on an empty
# cluster of its own. A faulty pg_hba.conf, a key that does not fit, an unknown setting: it does not start.
TRIAL = f"""d=$(mktemp -d) && chown postgres $d && {{
as="setpriv --reuid postgres --regid postgres --init-groups"
$as {BINARIES}/initdb --no-sync -A trust $d/data >$d/log 2>&1 &&
$as {BINARIES}/pg_ctl start -w -s -D $d/data -l $d/server -o "-c config_file={CONFIGURATION}/postgresql.conf \
  -c data_directory=$d/data -c listen_addresses= -c unix_socket_directories=$d -c external_pid_file= \
  -c logging_collector=off -c fsync=off" >>$d/log 2>&1
verdict=$?
[ $verdict = 0 ] || cat $d/server || cat $d/log
$as {BINARIES}/pg_ctl stop -s -m immediate -D $d/data 2>/dev/null
rm -rf $d; exit $verdict; }}"""

SCHEMA = f"""setpriv --reuid postgres --regid postgres --init-groups psql -X -q -p {{port}} <{ROLES}
setpriv --reuid twinmx --regid twinmx --clear-groups {CURRENT}/bin/twinmx-aliases migrate \\
  --url 'postgresql+asyncpg://twinmx@/{{name}}?host=/run/postgresql&port={{port}}'"""


def _owned(name: str, content: str | bytes, *, secret: bool = False) -> ManagedFile:
    return ManagedFile(f"{CONFIGURATION}/{name}", content, mode="0640", group="postgres", secret=secret)


def render_files(site: Site) -> list[Managed]:
    """Configuration and access list; the certificate is `render_pair`."""
    database = site.database
    settings = render("postgresql/postgresql.conf.j2", database=database, certificate=CERTIFICATE, key=KEY)
    access = render("postgresql/pg_hba.conf.j2", database=database, exchangers=site.exchanger_addresses)
    return [
        _owned("conf.d/twinmx.conf", settings),
        _owned("pg_hba.conf", access),
        ManagedFile(f"/etc/systemd/system/{UNIT}.d/twinmx.conf", render("postgresql/unit.conf.j2")),
    ]


def render_pair(site: Site) -> list[Managed]:
    """Certificate and key, which PostgreSQL reads as its own user."""
    fqdn, tls = site.database.fqdn, site.exchange.tls
    certificate, key = (Path(knob.format(fqdn=fqdn)) for knob in (tls.certificate, tls.key))
    chain, private = check_pair(fqdn, certificate, key)
    return [_owned("twinmx.pem", chain), _owned("twinmx.key", private, secret=True)]


def render_roles(site: Site) -> ManagedFile:
    """The SQL that makes roles and database; it holds the exchangers' password."""
    password = site.secrets.database_password
    text = render(
        "postgresql/roles.sql.j2",
        database=site.database,
        password=password.get_secret_value() if password else "",
    )
    return ManagedFile(ROLES, text, mode="0400", secret=True)


@role("postgresql")
def deploy(site: Site) -> None:
    """Run PostgreSQL with its own access list, then bring roles, database and schema up to date."""
    packages("postgresql", PACKAGES)
    files = [*render_files(site), *render_pair(site)]
    checked_files("postgresql", files, check=TRIAL, roots=[CONFIGURATION])
    database = site.database
    answers = f"{BINARIES}/pg_isready -q -h /run/postgresql -p {database.port}"
    converged_service(UNIT, inputs=files, healthy=answers, packages=PACKAGES)
    roles = render_roles(site)
    checked_files("database roles", [roles])
    converged(
        "database-schema",
        apply=SCHEMA.format(port=database.port, name=database.name),
        inputs=[roles, current_link()],
    )
