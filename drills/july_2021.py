"""The database with the aliases answers every query after half a minute.

On 13 July 2021 requests to the service's database took up to several minutes, and so did each message: the
mail handler asked it for every alias. A larger database helped for minutes; the service moved to another
one.
Source: SimpleLogin, "Outage on July 13, 2021 and what we've learned", 2021-09-28.

The exchangers follow the aliases in a PostgreSQL. A view in the place of a table that each of their
readings begins with has the server sleep for 30 s; connections, TLS and logins are as quick as ever. That
is longer than a statement may take (20 s), so no reading comes to its end. Now no database stands in the
way of a message: the snapshot on each host grows older, which is told, and nothing else happens.

There is no variant of then: nothing in the inventory brings a database back into the way of the mail.
"""

from drills.lib.model import Drill, Fault, Holds, Where

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
    needs_database=True,
)
