"""The aliases come from PostgreSQL, which is taken away in every way: mail goes on, and only the age grows.

Both exchangers are converged to follow the database for these tests, and back to the file afterwards.
"""

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory.schema import Exchange
from lab import ssh
from lab.converging import Pair
from lab.database import SOURCE, UNIT, Host, disable, followed, insert, sql
from lab.mailbox import Mailboxes, new_token
from lab.settings import DATABASE, LAB, LabHost
from lab.waiting import until
from roles.aliases import FOLLOWER, SNAPSHOT
from roles.lib import ports
from tests.mail.dialogue import answer_to, deliver
from tests.mail.letters import letter
from tests.systemd import frozen, stopped, systemctl
from twinmx.aliases.database.metrics import READ_MARK

ALIAS = "hello@alias.example"
MARK = f"{Path(SNAPSHOT).parent}/{READ_MARK}"
SEEN_SECONDS = 5
"""A change is in force on every exchanger within this."""

RETURN_SECONDS = 75
"""The longest pause between two attempts, and what an attempt may take."""

SLOW = (
    "CREATE SCHEMA slow",
    "GRANT USAGE ON SCHEMA slow TO exchanger",
    "CREATE FUNCTION slow.pg_current_snapshot() RETURNS pg_snapshot LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_sleep(600); RETURN pg_catalog.pg_current_snapshot(); END $$",
    "ALTER ROLE exchanger SET search_path = slow, pg_catalog, public",
)
QUICK = ("ALTER ROLE exchanger RESET search_path", "DROP SCHEMA slow CASCADE")
END_SESSIONS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'exchanger'"


@pytest.fixture(scope="module")
def pair(exchange: Exchange) -> Pair:
    """Both exchangers, to be converged."""
    return Pair("inventory/lab.py", exchange)


@pytest.fixture(scope="module")
def database(pair: Pair) -> Iterator[Host]:
    """The host of the database, with the lab's aliases in it, and both exchangers following it."""
    with followed(pair) as host:
        yield host


@pytest.fixture(autouse=True)
def _well(database: Host) -> None:
    """Each test meets exchangers that have just read the database."""
    until(lambda: all(age(host) < SEEN_SECONDS + 2 for host in LAB.hosts), RETURN_SECONDS, "a young snapshot")


@pytest.fixture
def address(token: str) -> str:
    """An alias that no other test has."""
    return f"{token}@alias.example"


def measured(host: LabHost, name: str) -> float:
    """One of the follower's metrics, as a monitor reads it."""
    port = ports.ALIASES_METRICS_BASE + 1
    with urllib.request.urlopen(f"http://{host.address}:{port}/metrics", timeout=5) as page:
        found = re.search(rf"^twinmx_aliases_source_{name} (\S+)$", page.read().decode(), re.MULTILINE)
    assert found, name
    return float(found[1])


def age(host: LabHost) -> float:
    return measured(host, "age_seconds")


def see(address: str, code: int, seconds: float = SEEN_SECONDS) -> None:
    """Every exchanger answers RCPT for `address` with `code`, soon."""
    for host in LAB.hosts:
        until(
            lambda host=host: answer_to(host, address).code == code,  # type: ignore[misc]
            seconds,
            f"{code} for {address} at {host.alias}",
        )


def mail_goes_on(mailboxes: Mailboxes) -> None:
    """Through each exchanger a message arrives, and who is unknown is still refused for good."""
    for host in LAB.hosts:
        token = new_token()
        deliver(host, letter(token), ALIAS)
        mailboxes.wait(token, seconds=20)
        assert answer_to(host, f"{token}@alias.example").code == 550
        assert answer_to(host, "paused@alias.example").code == 550


def grows_old(seconds: float) -> None:
    """No exchanger reads the database any more."""
    for host in LAB.hosts:
        until(lambda host=host: age(host) > seconds, seconds + 30, f"an age at {host.alias}")  # type: ignore[misc]


def test_a_change_is_in_force_everywhere_in_seconds(database: Host, address: str) -> None:
    see(address, 550)
    sql(database, insert(address))
    see(address, 250)
    sql(database, f"UPDATE aliases SET enabled = false WHERE address = '{address}'")
    see(address, 550)
    sql(database, f"UPDATE aliases SET enabled = true WHERE address = '{address}'")
    see(address, 250)
    sql(database, f"DELETE FROM aliases WHERE address = '{address}'")
    see(address, 550)


def test_a_mailbox_that_is_switched_off_is_refused_everywhere_in_seconds(
    database: Host, address: str, token: str
) -> None:
    mailbox = f"{token}@mailbox.example"
    sql(database, insert(address, mailbox=mailbox))
    see(address, 250)
    sql(database, disable(mailbox))
    see(address, 550)
    told = [answer_to(host, address).text for host in LAB.hosts]
    sql(database, f"DELETE FROM disabled_mailboxes WHERE address = '{mailbox}'")
    see(address, 250)

    assert [text[:5] for text in told] == ["5.2.1"] * len(told)


def test_a_moved_mailbox_gets_the_next_message(
    database: Host, address: str, exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    sql(database, insert(address, mailbox="anna@mailbox.example"))
    see(address, 250)
    sql(database, f"UPDATE aliases SET mailboxes = '{{ben@post.example}}' WHERE address = '{address}'")
    show = f"mxctl alias show {address}"
    until(lambda: "ben@post.example" in ssh.on(exchanger, show), SEEN_SECONDS, "the new mailbox")

    deliver(exchanger, letter(token), address)

    assert mailboxes.wait(token).recipient == "ben@post.example"


def test_an_operator_switches_an_alias_for_all_exchangers(database: Host, address: str) -> None:
    sql(database, insert(address))
    see(address, 250)
    first, second = LAB.hosts

    ssh.on(first, f"mxctl alias disable {address.upper()}")
    see(address, 550)
    assert sql(database, f"SELECT enabled FROM aliases WHERE address = '{address}'").strip() == "f"
    ssh.on(second, f"mxctl alias enable {address}")
    see(address, 250)


def test_a_corrupt_row_is_left_out_and_nothing_else(database: Host, address: str) -> None:
    other = f"other-{address}"
    sql(database, insert(address))
    see(address, 250)
    before = measured(LAB.hosts[0], "rejected_rows")
    sql(
        database,
        f"UPDATE aliases SET mailboxes = '{{loop@alias.example}}' WHERE address = '{address}'",
        "INSERT INTO aliases (address, mailboxes) VALUES ('no address at all', '{a@mailbox.example}')",
        insert(other),
    )
    see(other, 250)

    assert measured(LAB.hosts[0], "rejected_rows") == before + 2
    assert answer_to(LAB.hosts[0], address).code == 250
    told = ssh.on(LAB.hosts[0], f"journalctl -q -o cat -u {FOLLOWER} -g 'row left out' -n 5")
    assert address in told
    assert "loop@alias.example is in a served domain" in told
    sql(database, "DELETE FROM aliases WHERE mailboxes && '{loop@alias.example}' OR address !~ '@'")
    see(address, 550)
    assert measured(LAB.hosts[0], "rejected_rows") == before


def test_a_frozen_database_holds_nothing_up(database: Host, address: str, mailboxes: Mailboxes) -> None:
    with frozen(DATABASE, UNIT):
        grows_old(25)
        mail_goes_on(mailboxes)
    sql(database, insert(address))
    see(address, 250, RETURN_SECONDS)


def test_a_database_in_which_every_query_sleeps_holds_nothing_up(
    database: Host, address: str, mailboxes: Mailboxes
) -> None:
    sql(database, *SLOW, END_SESSIONS)
    try:
        grows_old(25)
        mail_goes_on(mailboxes)
        assert measured(LAB.hosts[0], "errors_total") > 0
    finally:
        sql(database, *QUICK, END_SESSIONS)
    sql(database, insert(address))
    see(address, 250, RETURN_SECONDS)


def test_an_hour_without_the_database_is_an_age_and_nothing_else(
    database: Host, address: str, mailboxes: Mailboxes, exchange: Exchange
) -> None:
    """Also across a restart of the follower: the hour is in the file, so the file says it was an hour."""
    threshold = exchange.monitors.snapshot_stale_seconds
    with stopped(DATABASE, UNIT):
        grows_old(8)
        for host in LAB.hosts:
            ssh.on(host, f"touch -d '1 hour ago' {MARK} && systemctl restart {FOLLOWER}")
        grows_old(3600)
        assert all(age(host) > threshold for host in LAB.hosts)
        mail_goes_on(mailboxes)
    sql(database, insert(address))
    see(address, 250, RETURN_SECONDS)
    assert all(age(host) < threshold for host in LAB.hosts)


def test_a_changed_password_is_an_age_until_it_is_mended(
    database: Host, address: str, mailboxes: Mailboxes
) -> None:
    kept = sql(database, "SELECT rolpassword FROM pg_authid WHERE rolname = 'exchanger'").strip()
    sql(database, "ALTER ROLE exchanger PASSWORD 'not the one they know'", END_SESSIONS)
    try:
        grows_old(8)
        mail_goes_on(mailboxes)
    finally:
        sql(database, f"ALTER ROLE exchanger PASSWORD '{kept}'")
    sql(database, insert(address))
    see(address, 250, RETURN_SECONDS)


def test_a_restart_of_the_database_is_hardly_noticed(database: Host, address: str) -> None:
    systemctl(DATABASE, "restart", UNIT)
    sql(database, insert(address))

    see(address, 250, 2 * SEEN_SECONDS)


def test_an_emptied_table_is_not_believed(database: Host, mailboxes: Mailboxes) -> None:
    """A restore under way looks like this."""
    rows = sql(database, "CREATE TABLE kept AS SELECT * FROM aliases", "SELECT count(*) FROM kept")
    assert int(rows) > 1
    sql(database, "TRUNCATE aliases")
    try:
        grows_old(8)
        mail_goes_on(mailboxes)
    finally:
        sql(database, "INSERT INTO aliases SELECT * FROM kept", "DROP TABLE kept")
    until(lambda: all(age(host) < SEEN_SECONDS for host in LAB.hosts), RETURN_SECONDS, "the rows read again")


def test_a_second_converge_changes_nothing(database: Host, pair: Pair) -> None:
    assert pair.converge("exchangers", **SOURCE) == set()
