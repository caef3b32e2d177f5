"""What a reader of PostgreSQL's aliases is told has changed since it last asked: no change escapes it."""

import json
from textwrap import dedent

import pytest

from lab.database import disable, insert
from tests.hosts.asking import Host, run_python

pytestmark = pytest.mark.role("postgresql")

OWNER = "setpriv --reuid twinmx --regid twinmx --clear-groups /opt/twinmx/current/bin/python"

READ = """
import asyncio, json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from twinmx.aliases.database import reading
url = "postgresql+asyncpg://twinmx@/aliases?host=/run/postgresql"
engine = create_async_engine(url)
reader = engine.execution_options(isolation_level="REPEATABLE READ")
async def ask(since=None):
    async with reader.connect() as c:
        here = await reading.place(c)
        if since is None:
            return here, [r async for batch in reading.everything(c) for r in batch], []
        found = await reading.changes(c, since)
        return here, sorted(found.rows, key=lambda r: r.address), sorted(found.gone)
async def read(since=None):
    here, found, gone = await ask(since)
    return here, [r.address for r in found], gone
async def disabled(since=None):
    # alias: its disabled mailboxes, for each alias that is told
    here, found, _ = await ask(since)
    return here, {r.address.partition("@")[0]: sorted(r.disabled) for r in found}
def insert(name, mailboxes="a@m.example"):
    row = "('%s@alias.example', '{%s}')" % (name, mailboxes)
    return text("INSERT INTO aliases (address, mailboxes) VALUES " + row)
async def write(*statements):
    async with engine.begin() as writer:
        for statement in statements:
            await writer.execute(text(statement) if isinstance(statement, str) else statement)
"""


def story(host: Host, body: str) -> list[object]:
    """What a Python story about readers and writers prints."""
    told: list[object] = json.loads(run_python(host, READ + dedent(body), OWNER))
    return told


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
                    await write(insert(name))
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
            await write(*(insert(name) for name in "abc"))
            start, everything, _ = await read()
            await write(
                "DELETE FROM aliases WHERE address IN ('a@alias.example', 'c@alias.example')",
                "UPDATE aliases SET address = 'z@alias.example' WHERE address = 'b@alias.example'",
            )
            await write(insert("c"))
            _, rows, gone = await read(start)
            print(json.dumps([everything, rows, gone]))
        asyncio.run(main())
        """,
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
            await write("TRUNCATE {table}")
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
                await write({statement!r})
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
            await write(*(insert(name) for name in "abcd"))
            async with reader.connect() as c:
                print(json.dumps([await reading.changes(c, start)]))
        asyncio.run(main())
        """,
    )

    assert told == [None]
