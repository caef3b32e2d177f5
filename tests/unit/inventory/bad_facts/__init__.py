"""Mistakes in an exchange's facts: edits of the good ones, and what must be said about each."""

from tests.unit.inventory.bad_facts import database, form, hosts, limits, spam

TABLE = form.ROWS | hosts.ROWS | limits.ROWS | spam.ROWS | database.ROWS
