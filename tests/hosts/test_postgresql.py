"""PostgreSQL with the aliases: who gets in, what they may do, and that no change escapes a reader."""

from collections.abc import Iterator
from textwrap import dedent

import pytest

from inventory.alias_source import DATABASE_HOST
from inventory.secrets import Secrets
from lab.settings import DATABASE, LAB
from tests.hosts.asking import Host, listening, reach, run_python
from tests.hosts.conftest import INVENTORY, reached
from tests.hosts.converging import Pair
from tests.hosts.database import EMPTY, SOURCE, UNIT, as_owner, brought_up, disable, insert, sql

pytestmark = [
    pytest.mark.role("postgresql"),
    pytest.mark.skipif(INVENTORY != "inventory/lab.py", reason="only the lab pair has a database"),
]

PYTHON = "/opt/twinmx/current/bin/python"

LOGIN = """
import asyncio, asyncpg, ssl, sys
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

READ = """
import asyncio, json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from twinmx.aliases.database import reading
from twinmx.aliases.database.marker import Marker
url = "postgresql+asyncpg://twinmx@/aliases?host=/run/postgresql"
engine = create_async_engine(url)
reader = engine.execution_options(isolation_level="REPEATABLE READ")
async def read(since=None):
    async with reader.connect() as c:
        here = await reading.place(c)
        if since is None:
            return here, [r.address async for batch in reading.everything(c) for r in batch], []
        found = await reading.changes(c, since)
        return here, sorted(r.address for r in found.rows), sorted(found.gone)
async def disabled(since=None):
    # alias: its disabled mailboxes, for each alias that is told
    async with reader.connect() as c:
        here = await reading.place(c)
        if since is None:
            rows = [r async for batch in reading.everything(c) for r in batch]
        else:
            rows = (await reading.changes(c, since)).rows
        return here, {r.address.partition("@")[0]: sorted(r.disabled) for r in rows}
def insert(name, mailboxes="a@m.example"):
    row = "('%s@alias.example', '{%s}')" % (name, mailboxes)
    return text("INSERT INTO aliases (address, mailboxes) VALUES " + row)
async def write(*statements):
    async with engine.begin() as writer:
        for statement in statements:
            await writer.execute(text(statement) if isinstance(statement, str) else statement)
"""


@pytest.fixture(scope="module")
def database(pair: Pair) -> Iterator[Host]:
    """The host of the database."""
    host = brought_up(pair)
    yield host
    sql(host, EMPTY)


@pytest.fixture
def empty(database: Host) -> Host:
    sql(database, EMPTY)
    return database


@pytest.fixture(scope="module")
def exchanger_host() -> Host:
    return reached(str(LAB.hosts[0].address))


def story(host: Host, body: str) -> list[object]:
    """What a Python story about readers and writers prints."""
    told: list[object] = as_owner(host, READ + dedent(body))
    return told


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


def test_a_transaction_that_commits_behind_a_later_one_is_not_missed(empty: Host) -> None:
    """A sequence or a clock as marker would lose `early`."""
    told = story(
        empty,
        """
        async def main():
            start, _, _ = await read()
            async with engine.connect() as slow, engine.connect() as quick:
                await slow.execute(insert("early"))
                await quick.execute(insert("late"))
                await quick.commit()
                between, first, _ = await read(start)
                await slow.commit()
            end, second, _ = await read(between)
            _, third, _ = await read(end)
            print(json.dumps([first, second, third]))
        asyncio.run(main())
        """,
    )

    assert told == [["late@alias.example"], ["early@alias.example"], []]


def test_a_transaction_that_stays_open_makes_nobody_read_twice(empty: Host) -> None:
    told = story(
        empty,
        """
        async def main():
            here, _, _ = await read()
            seen = []
            async with engine.connect() as idle:
                await idle.execute(insert("idle"))
                for name in ("a", "b"):
                    async with engine.begin() as writer:
                        await writer.execute(insert(name))
                    here, rows, _ = await read(here)
                    seen.append(rows)
                await idle.rollback()
            here, rows, _ = await read(here)
            print(json.dumps([*seen, rows]))
        asyncio.run(main())
        """,
    )

    assert told == [["a@alias.example"], ["b@alias.example"], []]


def test_what_is_deleted_renamed_or_made_again_is_told(empty: Host) -> None:
    told = story(
        empty,
        """
        async def main():
            async with engine.begin() as writer:
                for name in ("a", "b", "c"):
                    await writer.execute(insert(name))
            start, everything, _ = await read()
            async with engine.begin() as writer:
                await writer.execute(text("DELETE FROM aliases WHERE address IN ('a@alias.example', 'c@alias.example')"))
                await writer.execute(text("UPDATE aliases SET address = 'z@alias.example' WHERE address = 'b@alias.example'"))
            async with engine.begin() as writer:
                await writer.execute(insert("c"))
            _, rows, gone = await read(start)
            print(json.dumps([everything, rows, gone]))
        asyncio.run(main())
        """,  # noqa: E501
    )

    assert told == [
        ["a@alias.example", "b@alias.example", "c@alias.example"],
        ["c@alias.example", "z@alias.example"],
        ["a@alias.example", "b@alias.example"],
    ]


def test_who_leads_to_a_mailbox_is_told_when_it_is_switched_off_and_on(empty: Host) -> None:
    told = story(
        empty,
        """
        async def main():
            await write(insert("a", "x@m.example,y@m.example"), insert("b", "Y@M.example"), insert("c"))
            start, _ = await disabled()
            await write("INSERT INTO disabled_mailboxes VALUES ('y@m.example'), ('z@m.example')")
            off, first = await disabled(start)
            await write("UPDATE disabled_mailboxes SET address = 'x@m.example' WHERE address = 'y@m.example'")
            moved, second = await disabled(off)
            _, everything = await disabled()
            await write("DELETE FROM disabled_mailboxes", insert("d", "x@m.example"))
            on, third = await disabled(moved)
            print(json.dumps([first, second, everything, third, (await disabled(on))[1]]))
        asyncio.run(main())
        """,
    )

    assert told == [
        {"a": ["y@m.example"], "b": ["y@m.example"]},
        {"a": ["x@m.example"], "b": []},
        {"a": ["x@m.example"], "b": [], "c": []},
        {"a": [], "d": []},
        {},
    ]


@pytest.mark.parametrize("first", ["alias", "mailbox"])
def test_an_alias_and_its_mailbox_that_are_written_at_the_same_time_meet(empty: Host, first: str) -> None:
    """Neither transaction sees the other, whichever commits first."""
    told = story(
        empty,
        f"""
        async def main():
            start, _ = await disabled()
            async with engine.connect() as alias, engine.connect() as mailbox:
                await alias.execute(insert("a"))
                await mailbox.execute(text("INSERT INTO disabled_mailboxes VALUES ('a@m.example')"))
                await {first}.commit()
                between, early = await disabled(start)
                await alias.commit()
                await mailbox.commit()
            _, late = await disabled(between)
            print(json.dumps([early, late]))
        asyncio.run(main())
        """,
    )

    assert told == [{"a": []} if first == "alias" else {}, {"a": ["a@m.example"]}]


@pytest.mark.parametrize("table", ["aliases", "disabled_mailboxes"])
def test_a_table_that_was_emptied_or_restored_is_another_database(empty: Host, table: str) -> None:
    told = story(
        empty,
        f"""
        async def main():
            first, _, _ = await read()
            async with engine.begin() as writer:
                await writer.execute(text("TRUNCATE {table}"))
            second, _, _ = await read()
            print(json.dumps([first.database, second.database]))
        asyncio.run(main())
        """,
    )

    assert told[0] != told[1]


@pytest.mark.parametrize(
    "statement",
    [
        insert("one@alias.example"),
        "UPDATE aliases SET enabled = false",
        "DELETE FROM aliases",
        "TRUNCATE aliases",
        disable("a@m.example"),
        "DELETE FROM disabled_mailboxes",
        "TRUNCATE disabled_mailboxes",
    ],
)
def test_each_statement_is_announced(empty: Host, statement: str) -> None:
    told = story(
        empty,
        f"""
        async def main():
            heard = asyncio.Event()
            async with engine.connect() as c:
                driver = (await c.get_raw_connection()).driver_connection
                await driver.add_listener("aliases", lambda *_: heard.set())
                async with engine.begin() as writer:
                    await writer.execute(text({statement!r}))
                async with asyncio.timeout(5):
                    await heard.wait()
            print(json.dumps(["heard"]))
        asyncio.run(main())
        """,
    )

    assert told == ["heard"]


def test_a_list_of_changes_that_is_too_long_is_none(empty: Host) -> None:
    told = story(
        empty,
        """
        async def main():
            reading.MOST_CHANGES = 3
            start, _, _ = await read()
            async with engine.begin() as writer:
                for name in ("a", "b", "c", "d"):
                    await writer.execute(insert(name))
            async with reader.connect() as c:
                print(json.dumps([await reading.changes(c, start)]))
        asyncio.run(main())
        """,
    )

    assert told == [None]


def test_migrating_again_changes_nothing(database: Host) -> None:
    before = sql(database, "SELECT * FROM alembic_version")

    database.check_output(
        "setpriv --reuid twinmx --regid twinmx --clear-groups /opt/twinmx/current/bin/twinmx-aliases migrate"
    )

    assert sql(database, "SELECT * FROM alembic_version") == before


@pytest.mark.changes
def test_a_faulty_access_list_never_replaces_the_one_in_force(database: Host, pair: Pair) -> None:
    before = database.file("/etc/postgresql/17/main/pg_hba.conf").sha256sum

    ran = pair.run(DATABASE_HOST, deploy="refused_postgresql.py", **SOURCE)

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
