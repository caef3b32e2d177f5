"""An operator takes the first exchanger out of service, in good order, and brings it back.

What comes before every repair of a host. Google's "Site Reliability Engineering", chapter 22, has planned
drains among the triggers of cascading failures: those who are left must bear the load.

Nothing is broken, so the drill may be run where real mail flows. Port 25 of the host refuses new
connections, sessions under way finish, its queue goes to the other exchanger, and DNS puts it behind. A
drain that somebody else has ordered is left alone.
"""

from drills.lib.model import Drill, Fault, Holds, Where

REASON = "the drill drain-and-return"
OURS = f"""status=$(mxctl failover status --json)
printf %s "$status" | python3 -c "
import json, sys
status = json.load(sys.stdin)
ours = (status['order'] or {{}}).get('reason') == '{REASON}'
sys.exit(not (ours and status['state'] in ('draining', 'drained')))
\""""

DRILL = Drill(
    name="drain-and-return",
    says="The first exchanger is drained by order, and comes back.",
    replays=(
        "Beyer et al., “Site Reliability Engineering”, chapter 22, “Addressing Cascading Failures”, 2016: "
        "https://sre.google/sre-book/addressing-cascading-failures/"
    ),
    faults=(
        Fault(
            Where.FIRST,
            f"mxctl drain --for 24h --reason '{REASON}'",
            f"{OURS} || exit 0\nmxctl undrain --reason '{REASON}'",
            OURS,
        ),
    ),
    holds=Holds(p99=5.0, of_baseline=3.0, takes_over=60.0),
    harmless=True,
)
