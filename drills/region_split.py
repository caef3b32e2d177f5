"""The exchangers cannot reach each other, and both reach the world.

On 21 October 2018 two sites of GitHub's did not see each other for 43 seconds; both went on, each as if the
other were gone, and putting that right took a day: GitHub, "October 21 post-incident analysis".

Two exchangers that drained because of it would take no mail at all. A drain needs the peer's word, so there
is none here. What one may do by itself is to put the other behind in DNS, and that does no harm.
"""

from drills.lib.model import Drill, Fault, Holds, Where

PEERS = """peers=$(python3 -c '
import tomllib
told = tomllib.load(open("/etc/twinmx/failover.toml", "rb"))
print(", ".join(one["address"] for one in told["hosts"] if one["name"] != told["name"]))
')"""
BEGIN = f"""{PEERS}
nft -f - <<END
table inet drill {{
  chain input {{
    type filter hook input priority -10;
    ip saddr {{ $peers }} counter drop
  }}
  chain output {{
    type filter hook output priority -10;
    ip daddr {{ $peers }} counter drop
  }}
}}
END"""
END = "! nft list table inet drill >/dev/null 2>&1 || nft delete table inet drill"

DRILL = Drill(
    name="region-split",
    says="The exchangers cannot reach each other; both reach the world.",
    replays=(
        "GitHub, “October 21 post-incident analysis”, 2018-10-30: "
        "https://github.blog/2018-10-30-oct21-post-incident-analysis/"
    ),
    faults=(Fault(Where.FIRST, BEGIN, END, "nft list table inet drill | grep -q 'packets [1-9]'"),),
    holds=Holds(
        p99=5.0,
        alerts=("HostSilent",),
        tolerated=("demote mx1", "demote mx2"),
        slots=240,
    ),
)
