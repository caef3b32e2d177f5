"""Of all files that roles put in place, those with a secret are marked so and open to nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory.alias_source import DATABASE_HOST
from lab import pki
from roles import (
    alertmanager,
    aliases,
    canary,
    exporters,
    failover,
    forwarder,
    gate,
    postgresql,
    prometheus,
    queues,
    rspamd,
    tls,
    valkey,
)
from roles.lib.managed import Managed, ManagedFile
from roles.lib.site import Site
from tests.unit.roles.exchanges import DATABASE, MX1, MX2, all_secrets, exchange, secrets, site
from tests.unit.roles.rendered import text

RECEIVERS = {
    "hook": {"kind": "webhook"},
    "mail": {
        "kind": "smtp",
        "relay": "relay.elsewhere.example",
        "user": "mx",
        "sender": "a@b.example",
        "to": "c@d.example",
    },
}
RENDERING = (
    alertmanager,
    canary,
    exporters,
    failover,
    forwarder,
    gate,
    prometheus,
    queues,
    rspamd,
    tls,
    valkey,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Managed]:
    """Everything, of an exchange that has a secret of each kind."""
    folder = tmp_path_factory.mktemp("tls")
    pki.ensure([str(host["fqdn"]) for host in (MX1, MX2, DATABASE)], folder)
    of = exchange(
        tls={"certificate": f"{folder}/{{fqdn}}.pem", "key": f"{folder}/{{fqdn}}.key"},
        alias_source="postgresql",
        database=DATABASE | {"authority": str(folder / "ca.pem")},
        monitors={"receivers": RECEIVERS, "routes": {"all": {"receivers": list(RECEIVERS)}}},
    )
    return list(_rendered(site(of), site(of, DATABASE_HOST)))


def _rendered(host: Site, database: Site) -> Iterator[Managed]:
    for role in RENDERING:
        yield from role.read_files(host) if role is tls else role.render_files(host)
    yield from aliases.render_follower(host)
    yield from (*postgresql.render_files(database), *postgresql.render_pair(database))
    yield postgresql.render_roles(database)


def telling(files: list[Managed]) -> list[ManagedFile]:
    """Those that hold a secret as text, or a private key."""
    values = [*all_secrets(), valkey.exporter_password(secrets()), "PRIVATE KEY"]
    quoted = [value.replace("'", "''") for value in values]
    found = [file for file in files if isinstance(file, ManagedFile)]
    return [file for file in found if any(value in text(file) for value in (*values, *quoted))]


def test_each_secret_is_in_some_file(files: list[Managed]) -> None:
    told = "".join(text(file) for file in telling(files))

    unused = [value for value in all_secrets() if value not in told and value.replace("'", "''") not in told]
    assert unused == []


def test_files_with_a_secret_are_shown_to_nobody(files: list[Managed]) -> None:
    assert len(telling(files)) > 8
    assert [file.path for file in telling(files) if not file.secret] == []


def test_files_with_a_secret_are_for_root_or_the_one_program_that_reads_them(files: list[Managed]) -> None:
    for file in telling(files):
        assert int(file.mode, 8) & 0o037 == 0, f"{file.path} {file.mode}"
        assert file.mode in ("0400", "0440", "0600") or file.group != "root", f"{file.path} {file.mode}"


def test_no_unit_has_a_secret_in_it(files: list[Managed]) -> None:
    assert not [file.path for file in telling(files) if Path(file.path).suffix in (".service", ".conf")]
