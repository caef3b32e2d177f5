"""One account is flooded, and everybody else's mail waits behind it.

On 16 June 2021 one account of the service received an abnormal amount of mail. Its limiter answered "421
Retry later" and left the delay to Postfix, whose queue filled until all users waited for hours. More
capacity, 12 workers in place of 6, a restart of everything and a flush did not help; to disable the flooded
aliases did.
Source: SimpleLogin, "What happened on June 16, 2021, and how we make sure it never happens again",
2021-06-27.

Now a letter over the limit is refused in the session (550), a queue slot belongs to one alias, and the
users notice nothing. The limits are the defaults of the inventory; the lab's own are far above any drill.
Each user has six letters a minute, below them.

To restart Postfix ends its deliveries, 20 at a time on each exchanger, whether their answer has come or not:
what the forwarder has already passed on is delivered twice.
"""

from drills.lib import summer_2021
from drills.lib.model import USERS, Drill, Holds, Step, Stream, Then, Timeline
from drills.lib.sources import JUNE_2021

FLOOD = Stream(
    "flood",
    rate=20.0,
    to="flooded",
    throughout=False,
    bystander=False,
    at_least=3000,
    large_bytes=8_192,
)

SSH = "ssh -F build/lab/ssh_config"
MAIL_UNITS = "postfix.service 'forwarder@*' 'gate@*' rspamd.service spamd.service"
RESTART = "\n".join(f'{SSH} {name} "systemctl restart {MAIL_UNITS}"' for name in ("mx1", "mx2"))
FLUSH = f"{SSH} mx1 postqueue -f && {SSH} mx2 postqueue -f"
TWELVE = ".venv/bin/pyinfra inventory/lab.py deploy.py -y --data drill=june-2021/then --data workers=12"

DRILL = Drill(
    name="june-2021",
    says="One account with 20 aliases receives 20 letters a second, 50 other users their usual few.",
    replays=JUNE_2021,
    inventory={
        "rate_limits": {
            "alias": {"count": 10, "window_seconds": 60},
            "mailbox": {"count": 15, "window_seconds": 60},
        }
    },
    streams=(USERS, FLOOD),
    timeline=Timeline(before=60.0, fault=190.0, after=60.0),
    holds=Holds(p99=5.0, of_baseline=2.0, refused=("flood",), alerts=("AccountFlood",)),
    then=Then(
        inventory={**summer_2021.INVENTORY, "rate_limits": {"answer": 421}},
        says=f"above the limit 421 after the queue, {summer_2021.SAYS}",
        steps=(
            Step(0.4, TWELVE, name="12 workers"),
            Step(0.7, RESTART, name="all restarted"),
            Step(0.85, FLUSH, name="queue flushed"),
        ),
        slots=80,
        fault_seconds=300.0,
    ),
    core=True,
)
