"""Aliases: who they are, where they come from, and the snapshot that the mail path looks them up in.

`inventory` reads the YAML that people edit, `hostformat` is what the controller ships to a host,
`snapshot` is the file that Postfix and the forwarder read there. Each is imported by its own name,
so that a program on a host loads only what it uses.
"""
