"""An operator takes the spam engine that is asked first out of use.

What was lacking on 11 August 2020, when the way out was to have no spam check at all: SimpleLogin, "What
happened on August 11 and what we've learned", 2020-08-19. It is also what comes before an engine's upgrade.

The other engine has all of the mail meanwhile, so the drill may be run where real mail flows; where there
is no other, `mxctl` refuses. The order ends with the drill; orders of others are left alone.

A letter takes as long as the other engine needs (half of them 0.27 s or more with SpamAssassin, 0.09 s with
Rspamd, on two cores), so no multiple of the usual delay is a goal.
"""

from drills.lib.model import FEWER, Drill, Fault, Holds, Where
from drills.lib.sources import AUGUST_2020

REASON = "the drill engine-out"
OURS = (
    "python3 -c \"import json, sys; print(*(one['engine'] for one in json.load(sys.stdin)"
    f" if (one['order'] or {{}}).get('reason') == '{REASON}'))\""
)
FIRST = "python3 -c \"import json, sys; print(json.load(sys.stdin)[0]['engine'])\""

DRILL = Drill(
    name="engine-out",
    says="The first spam engine is left out on both exchangers, by order.",
    replays=AUGUST_2020,
    faults=(
        Fault(
            Where.ALL,
            f"""engines=$(mxctl engine list --json)
mxctl engine skip "$(printf %s "$engines" | {FIRST})" --for 24h --reason '{REASON}'""",
            f"""engines=$(mxctl engine list --json)
for name in $(printf %s "$engines" | {OURS}); do mxctl engine clear "$name"; done""",
            f'test -n "$(mxctl engine list --json | {OURS})"',
        ),
    ),
    streams=(FEWER,),
    holds=Holds(p99=5.0),
    harmless=True,
)
