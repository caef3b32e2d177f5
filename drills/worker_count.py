"""Half of the forwarder workers of the first exchanger are stopped.

On 16 June 2021 the workers were raised from 6 to 12, and it did not help: SimpleLogin, "What happened on
June 16, 2021, and how we make sure it never happens again", 2021-06-27. The other way round it is a
question of capacity: does the host bear its mail with the workers that are left when some are lost?

They end what they have in hand before they stop, and one is left at least, so the drill may be run where
real mail flows. A host with a single worker cannot do it, and says so.
"""

from drills.lib.model import Drill, Fault, Holds, Where
from drills.lib.sources import JUNE_2021

HALF = """names=$(systemctl show --property Wants --value forwarder.target | tr ' ' '\\n' | sort -V)
count=$(printf '%s\\n' "$names" | wc -l)
half=$(printf '%s\\n' "$names" | tail -n $((count / 2)))"""
NONE_ACTIVE = 'for name in $half; do ! systemctl is-active --quiet "$name" || exit 1; done'
ENOUGH = 'test -n "$half" || { echo "there is but one worker on this host" >&2; exit 1; }'

DRILL = Drill(
    name="worker-count",
    says="Half of the forwarder workers of the first exchanger are stopped.",
    replays=JUNE_2021,
    faults=(
        Fault(
            Where.FIRST,
            f"{HALF}\n{ENOUGH}\nsystemctl stop $half",
            f'{HALF}\ntest -z "$half" || systemctl start $half',
            f'{HALF}\ntest -n "$half"\n{NONE_ACTIVE}',
        ),
    ),
    holds=Holds(p99=5.0, of_baseline=3.0, alerts=("ForwardersMissing",)),
    harmless=True,
)
