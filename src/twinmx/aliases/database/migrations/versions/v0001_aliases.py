"""Aliases, what was deleted, the marker of change, and who may do what.

The roles aliases_reader and aliases_editor stand for the exchangers and for the application; they belong
to the server, not to the database, and must be there before (roles/postgresql.py makes them).
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STEPS = (
    # byte order: the reader builds a sorted file from a walk through this index
    """CREATE TABLE aliases (
      address text COLLATE "C" PRIMARY KEY CHECK (address = lower(address)),
      account text,
      enabled boolean NOT NULL DEFAULT true,
      mailboxes text[] NOT NULL,
      changed xid8 NOT NULL DEFAULT pg_current_xact_id()
    )""",
    "CREATE INDEX aliases_changed ON aliases (changed)",
    # kept for ever: it is also the list of addresses that must not be given to somebody else
    """CREATE TABLE deleted_aliases (
      address text COLLATE "C" PRIMARY KEY,
      changed xid8 NOT NULL
    )""",
    "CREATE INDEX deleted_aliases_changed ON deleted_aliases (changed)",
    """CREATE FUNCTION aliases_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.changed := pg_current_xact_id();
      RETURN NEW;
    END $$""",
    """CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON aliases
    FOR EACH ROW EXECUTE FUNCTION aliases_stamp()""",
    # the owner's rights: who may delete an alias need not be able to write the list of the deleted
    """CREATE FUNCTION aliases_bury() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    BEGIN
      INSERT INTO deleted_aliases VALUES (OLD.address, pg_current_xact_id())
      ON CONFLICT (address) DO UPDATE SET changed = excluded.changed;
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER bury AFTER DELETE ON aliases
    FOR EACH ROW EXECUTE FUNCTION aliases_bury()""",
    """CREATE TRIGGER bury_renamed AFTER UPDATE OF address ON aliases
    FOR EACH ROW WHEN (OLD.address <> NEW.address) EXECUTE FUNCTION aliases_bury()""",
    """CREATE FUNCTION aliases_announce() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_notify('aliases', '');
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON aliases
    FOR EACH STATEMENT EXECUTE FUNCTION aliases_announce()""",
    "GRANT SELECT ON aliases, deleted_aliases TO aliases_reader",
    # mxctl alias disable and enable; nothing else may be changed from an exchanger
    "GRANT UPDATE (enabled) ON aliases TO aliases_reader",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON aliases TO aliases_editor",
)


def upgrade() -> None:
    """Make everything."""
    for step in STEPS:
        op.execute(step)
