"""Migrations of the schema, applied by `twinmx-aliases migrate`. Each one is new; none is edited later."""
