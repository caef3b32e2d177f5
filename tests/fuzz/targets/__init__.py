"""One module a target: what strangers, peers or engines send us, and what must hold for any of it.

A target has `SEEDS` (where the search begins), `TOKENS` (what it likes to insert) and `one_input(data)`,
which raises where something does not hold. The branches of all of `twinmx` guide the search.
"""
