"""The forwarder: takes a message for an alias from Postfix, and gives it to postfix-out for the mailboxes.

It keeps no queue: its 250 means that postfix-out has the message on disk, and any other reply leaves
the message in Postfix's queue, which knows how to wait.
"""

import twinmx.program.lean  # noqa: F401 - before anything imports structlog
