"""PostgreSQL as the source of the aliases: schema, reading, and the program that follows it.

Only `follow`, `migrate` and the operator's switch come here; the mail path reads the snapshot and knows
nothing of a database (the lesson of July 2021: a slow one held every message for minutes).
"""
