"""PostgreSQL with the aliases: who gets in, what they may do, and that it comes back."""

import pytest

from inventory.alias_source import DATABASE_HOST
from inventory.secrets import Secrets
from lab.converging import Pair
from lab.database import EMPTY, SOURCE, UNIT, disable, insert, sql
from lab.settings import DATABASE, LAB
from tests.hosts.asking import Host, listening, reach, run_python
from tests.hosts.conftest import reached

pytestmark = pytest.mark.role("postgresql")

PYTHON = "/opt/twinmx/current/bin/python"

LOGIN = """
import asyncio, asyncpg, ssl
async def main():
    tls = {tls}
    if tls is True:
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    try:
        c = await asyncpg.connect(host="{address}", user="{user}", password={password!r}, database="aliases",
                                  ssl=tls, timeout=5)
        print(await c.fetchval("SHOW ssl"))
        for statement in {statements!r}:
            try:
                await c.execute(statement)
                print("done")
            except asyncpg.PostgresError as error:
                print(type(error).__name__)
    except (asyncpg.PostgresError, OSError) as error:
        print(type(error).__name__)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def exchanger_host() -> Host:
    return reached(str(LAB.hosts[0].address))


def test_a_second_converge_changes_nothing(database: Host, pair: Pair) -> None:
    assert pair.converge(DATABASE_HOST, **SOURCE) == set()


def test_it_listens_for_the_exchangers_and_strangers_are_dropped(
    database: Host, exchanger_host: Host, outside: Host
) -> None:
    assert (str(DATABASE.address), 5432) in listening(database)
    assert reach(exchanger_host, DATABASE.address, 5432) == "open"
    assert reach(outside, DATABASE.address, 5432) == "dropped"


@pytest.mark.parametrize(
    ("user", "right", "tls", "answer"),
    [
        ("exchanger", True, True, "on"),
        ("exchanger", False, True, "InvalidPasswordError"),
        ("exchanger", True, False, "InvalidAuthorizationSpecificationError"),
        ("twinmx", True, True, "InvalidAuthorizationSpecificationError"),
        ("postgres", True, True, "InvalidAuthorizationSpecificationError"),
    ],
    ids=["as it shall be", "wrong password", "no TLS", "the owner from afar", "the administrator from afar"],
)
def test_only_the_exchangers_log_in(
    database: Host, exchanger_host: Host, secrets: Secrets, user: str, right: bool, tls: bool, answer: str
) -> None:
    assert secrets.database_password
    password = secrets.database_password.get_secret_value() if right else "x" * 16
    program = LOGIN.format(address=DATABASE.address, user=user, password=password, tls=tls, statements=[])

    assert run_python(exchanger_host, program, PYTHON).split() == [answer]


def test_an_exchanger_reads_and_switches_and_can_do_nothing_else(
    empty: Host, exchanger_host: Host, secrets: Secrets
) -> None:
    sql(empty, insert("one@alias.example"))
    assert secrets.database_password
    allowed = [
        *(f"SELECT * FROM {table}" for table in EMPTY.removeprefix("TRUNCATE ").split(", ")),
        "UPDATE aliases SET enabled = false",
    ]
    refused = [
        "UPDATE aliases SET mailboxes = '{x@evil.example}'",
        "UPDATE aliases SET changed = '1'",
        "DELETE FROM aliases",
        "TRUNCATE aliases",
        insert("two@alias.example"),
        "INSERT INTO deleted_aliases VALUES ('one@alias.example', '1')",
        disable("hello@mailbox.example"),
        "INSERT INTO mailbox_changes VALUES ('hello@mailbox.example', '1')",
        "CREATE TABLE mine (a int)",
        "ALTER TABLE aliases DISABLE TRIGGER ALL",
    ]
    program = LOGIN.format(
        address=DATABASE.address,
        user="exchanger",
        password=secrets.database_password.get_secret_value(),
        tls=True,
        statements=[*allowed, *refused],
    )

    _, *answers = run_python(exchanger_host, program, PYTHON).split()

    assert answers == ["done"] * len(allowed) + ["InsufficientPrivilegeError"] * len(refused)
    assert sql(empty, "SELECT enabled, mailboxes FROM aliases").split() == ["f|{hello@mailbox.example}"]


def test_the_server_keeps_no_password_in_the_clear(database: Host, secrets: Secrets) -> None:
    assert secrets.database_password
    kept = sql(database, "SELECT rolpassword FROM pg_authid WHERE rolname = 'exchanger'")

    assert kept.startswith("SCRAM-SHA-256$")
    told = database.check_output(f"journalctl -q -o cat -u {UNIT}; cat /var/log/postgresql/*.log")
    assert secrets.database_password.get_secret_value() not in told


def test_migrating_again_changes_nothing(database: Host) -> None:
    before = sql(database, "SELECT * FROM alembic_version")

    database.check_output(
        "setpriv --reuid twinmx --regid twinmx --clear-groups /opt/twinmx/current/bin/twinmx-aliases migrate"
    )

    assert sql(database, "SELECT * FROM alembic_version") == before


@pytest.mark.changes
def test_a_faulty_access_list_never_replaces_the_one_in_force(database: Host, pair: Pair) -> None:
    before = database.file("/etc/postgresql/17/main/pg_hba.conf").sha256sum

    ran = pair.run(DATABASE_HOST, deploy="tests/hosts/deploys/refused_postgresql.py", **SOURCE)

    assert ran.status != 0
    assert "postgresql: the candidate was refused" in ran.told
    assert 'invalid authentication method "scram"' in ran.told
    assert database.file("/etc/postgresql/17/main/pg_hba.conf").sha256sum == before


@pytest.mark.changes
def test_it_comes_back_when_it_is_killed(database: Host) -> None:
    database.check_output(f"systemctl kill --kill-whom=main --signal=KILL {UNIT}")

    database.check_output(
        "for i in $(seq 100); do pg_isready -q -h /run/postgresql && exit 0; sleep 0.2; done; exit 1"
    )
