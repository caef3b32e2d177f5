"""Hundreds of letters at the same moment, as at every full hour.

Schedulers start on the full hour, since people write down full hours, and what they start sends mail.
Google's "Site Reliability Engineering", chapter 24, tells of this thundering herd.

600 letters begin at once, a minute later again, and so on, beside the ordinary trickle. Each sender has 24
sessions open at a time. Nothing may be refused, put off for long, or taken for a fault by the agents. The
lab's two cores, which also have the senders and the mailboxes, carry some 40 letters a second (measured), so
the last of 600 waits for 15 s whatever is done: the goal is that it waits for nothing besides.
"""

from drills.lib.model import USERS, Drill, Holds, Stream

HOURLY = Stream("hourly", rate=10.0, throughout=False, burst=600, at_least=1200)

DRILL = Drill(
    name="top-of-the-hour",
    says="600 letters begin at the same moment, every minute.",
    replays=(
        "Beyer et al., “Site Reliability Engineering”, chapter 24, “Distributed Periodic Scheduling with "
        "Cron”, 2016: https://sre.google/sre-book/distributed-periodic-scheduling/"
    ),
    streams=(USERS, HOURLY),
    holds=Holds(p99=20.0, longest=30.0),
)
