"""Read by pyinfra as soon as it starts: a --data flag without a value is refused here, with a clear message.

Later pyinfra itself would end in a traceback over it.
"""

from inventory.hosts import command_line_flags

command_line_flags()
