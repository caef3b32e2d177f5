"""Mailboxes that take no mail, whichever alias leads to them.

The aliases concerned are not written: one that another transaction makes at that moment would be missed, or
everybody would have to wait for everybody. The reader finds them by what `mailbox_changes` says was switched.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STEPS = (
    # as twinmx.addresses.fold does it; cut, since a longer key would not go into the index
    """CREATE FUNCTION aliases_folded(mailboxes text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT array_agg(left(lower(one COLLATE "C"), 255)) FROM unnest(mailboxes) one $$""",
    "CREATE INDEX aliases_mailboxes ON aliases USING gin (aliases_folded(mailboxes))",
    """CREATE TABLE disabled_mailboxes (
      address text COLLATE "C" PRIMARY KEY CHECK (address = lower(address))
    )""",
    # kept for ever, as deleted_aliases is: one row for each mailbox that was ever switched
    """CREATE TABLE mailbox_changes (
      address text COLLATE "C" PRIMARY KEY,
      changed xid8 NOT NULL
    )""",
    "CREATE INDEX mailbox_changes_changed ON mailbox_changes (changed)",
    # the owner's rights, as for aliases_bury
    """CREATE FUNCTION aliases_note_mailbox() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    BEGIN
      INSERT INTO mailbox_changes
      SELECT DISTINCT one, pg_current_xact_id() FROM unnest(ARRAY[OLD.address, NEW.address]) one
      WHERE one IS NOT NULL ORDER BY one
      ON CONFLICT (address) DO UPDATE SET changed = excluded.changed;
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON disabled_mailboxes
    FOR EACH ROW EXECUTE FUNCTION aliases_note_mailbox()""",
    """CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON disabled_mailboxes
    FOR EACH STATEMENT EXECUTE FUNCTION aliases_announce()""",
    "GRANT SELECT ON disabled_mailboxes, mailbox_changes TO aliases_reader",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON disabled_mailboxes TO aliases_editor",
)


def upgrade() -> None:
    """Make everything."""
    for step in STEPS:
        op.execute(step)
