"""The milter protocol, filter's side: packets, one session, and a server that stops gracefully.

Only what a mail transfer agent says and wants to hear; what is decided is the caller's (`twinmx.gate`).
Why there is code of our own here: ADR 0010.
"""
