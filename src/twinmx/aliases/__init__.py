"""Aliases: who they are, where they come from, and the snapshot that the mail path looks them up in.

`inventory` reads the YAML that people edit, `hostformat` is what the controller ships to a host, and
`database` follows PostgreSQL instead. `update` writes the snapshot, which Postfix and the forwarder read by
`snapshot`; `table` and `record` are its files and what they hold, `overrides` what an operator said
against the source. Each is imported by its own name, so that a program loads only what it uses.
"""
