"""Read by pyinfra as soon as it starts: a --data flag without a value is refused here, with a clear message.

Later pyinfra itself would end in a traceback over it. From here on a plan hears of every host, also of one
that is not reached; whatever is printed is searched for secrets; SSH sends without delay, and operations are
numbered without reading source code.
"""

from inventory.hosts import command_line_flags
from inventory.masking import mask_output
from roles.lib.frames import number_by_frames_alone
from roles.lib.ssh import send_without_delay
from roles.lib.telling import write_at_exit

mask_output()
command_line_flags()
write_at_exit()
send_without_delay()
number_by_frames_alone()
