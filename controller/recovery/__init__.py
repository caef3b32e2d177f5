"""What outlives a host: its state in a file, and the mail in its queues (docs/operations.md, Recovery).

What is done on a host is done by its own release, `twinmx.recovery`; here is who is asked, in which order.
"""
