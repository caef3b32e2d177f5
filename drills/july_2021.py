"""The database with the aliases answers every query after half a minute.

On 13 July 2021 requests to the service's database took up to several minutes, and so did each message: the
mail handler asked it for every alias. A larger database helped for minutes; the service moved to another
one.
Source: SimpleLogin, "Outage on July 13, 2021 and what we've learned", 2021-09-28.

The exchangers follow the aliases in a PostgreSQL. A view in the place of a table that each of their
readings begins with has the server sleep for 30 s; connections, TLS and logins are as quick as ever. That
is longer than a statement may take (20 s), so no reading comes to its end. Now no database stands in the
way of a message: the snapshot on each host grows older, which is told, and nothing else happens.

Then a handler has one letter at a time, takes the 0.3 s that it usually took, and asks the database before
each, so the letter waits with it. It would wait for five minutes.
"""

from drills.lib import summer_2021
from drills.lib.model import Drill, Fault, Holds, Then, Where

PSQL = "setpriv --reuid postgres --regid postgres --init-groups psql -X -q -v ON_ERROR_STOP=1 -d aliases"

SLOW = """
ALTER TABLE mailbox_changes RENAME TO mailbox_changes_drilled;
CREATE VIEW mailbox_changes AS
  SELECT * FROM mailbox_changes_drilled
  UNION ALL SELECT (NULL::mailbox_changes_drilled).* FROM pg_sleep(30) AS slept WHERE slept::text <> ''
  OFFSET 0;
GRANT SELECT ON mailbox_changes TO aliases_reader;
"""
"""OFFSET has the sleep done whatever the reader asks for."""

QUICK = r"""
SELECT to_regclass('mailbox_changes_drilled') IS NOT NULL AS drilled \gset
\if :drilled
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep';
BEGIN;
DROP VIEW mailbox_changes;
ALTER TABLE mailbox_changes_drilled RENAME TO mailbox_changes;
COMMIT;
\endif
"""
"""A query that sleeps has a lock, and is ended first."""

ASKED = "SET ROLE aliases_reader; SELECT count(*) FROM mailbox_changes"
IS_SLOW = f"""took=0
timeout 5 {PSQL} --command '{ASKED}' >/dev/null || took=$?
test $took = 124"""

BEGIN = f"{PSQL} --single-transaction <<'END'{SLOW}END"
END = f"{PSQL} <<'END'{QUICK}END"

DRILL = Drill(
    name="july-2021",
    says="The database that the exchangers follow answers each query after 30 s.",
    replays=(
        "SimpleLogin, “Outage on July 13, 2021 and what we've learned”, 2021-09-28: "
        "https://simplelogin.io/blog/july-13/"
    ),
    inventory={"alias_source": "postgresql"},
    faults=(Fault(Where.DATABASE, BEGIN, END, IS_SLOW),),
    holds=Holds(p99=5.0, of_baseline=2.0, alerts=("SnapshotStale",)),
    then=Then(
        inventory={
            **summer_2021.INVENTORY,
            "database": {"statement_seconds": 300},
            "deadlines": {"forwarder_seconds": 540, "data_done_seconds": 600},
            "forwarder": summer_2021.FORWARDER | {"asks_database": True},
        },
        says=f"the database asked before each message, {summer_2021.SAYS}",
    ),
    needs_database=True,
)
