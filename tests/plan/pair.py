"""An inventory of hosts that are not there: pyinfra plans against what PLANNED says of them.

PLANNED names a JSON file: `facts` (the exchange's YAML file), `states` (name → a whole answer of HostState)
and `agents` (name → what the host's failover agent says of itself). With `record`, a path, what the plan
wants each host to be is written there.
"""

import json
import os
from pathlib import Path

from inventory.hosts import hosts_of
from tests.plan.recording import record

_planned = json.loads(Path(os.environ["PLANNED"]).read_text())
_exchangers, _databases, controller = hosts_of(_planned["facts"], connection={})

exchangers = [
    (
        f"@fake/{name}",
        data
        | {
            "fake_responses": {
                "cannot become an exchanger": {"success": False},
                "python3 -c": json.dumps(_planned["states"][name]),
                "http://agent/state": json.dumps(_planned["agents"].get(name, {})),
            },
            "fake_delay": 0,
            "fake_delay_jitter": 0,
        },
    )
    for name, data in _exchangers
]

if "record" in _planned:
    record(Path(_planned["record"]))
