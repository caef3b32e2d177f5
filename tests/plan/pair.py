"""An inventory of hosts that are not there: pyinfra plans against what PLANNED says of them.

PLANNED names a JSON file: `facts` (the exchange's YAML file), `states` (name → a whole answer of HostState),
`agents` (name → what the host's failover agent says of itself) and `files` (path → its text on every host).
Nobody answers at the hosts in `unreachable`; those in `dumb` have no Python; those in `closed` do not greet
on port 25. `drills` (name → where a fault of it lies, or "" for none) stand for those of the repository, each
with another number of workers, and `drill` is the one on the hosts. With `record`, a path, what the plan
wants each host to be is written there; with `commands`, a path, what was run on which host.
"""

import json
import os
from pathlib import Path
from typing import Any

import drills
from drills.lib.model import Drill, Fault, Where
from inventory.hosts import hosts_of
from inventory.schema import Exchanger
from roles import dns
from tests.plan.recording import keep_commands, record

_planned = json.loads(Path(os.environ["PLANNED"]).read_text())


def _drill(name: str, where: str) -> Drill:
    faults = (Fault(Where(where), begin="true", end="true", proof="true"),) if where else ()
    workers = {"forwarder": {"workers": 2}}
    return Drill(name=name, says="", replays="", harmless=True, faults=faults, inventory=workers)


if "drills" in _planned:
    _known = {name: _drill(name, where) for name, where in _planned["drills"].items()}
    drills.all_drills = lambda: _known  # type: ignore[assignment]

_exchangers, _databases, controller = hosts_of(_planned["facts"], connection={"ssh_hostname": "{address}"})

NOBODY = {"ssh_hostname": "127.0.0.1", "ssh_port": 1}
CONTENTS = {f"cat {path} ": text for path, text in _planned.get("files", {}).items()}


def _host(name: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if name in _planned.get("unreachable", ()):
        return name, data | NOBODY
    well = name not in _planned.get("dumb", ())
    answers = {
        "cannot become an exchanger": {"success": False},
        "python3 -c": json.dumps(_planned["states"][name]) if well else {"success": False},
        "s/^# drill //p": _planned.get("drill", ""),
        "http://agent/state": json.dumps(_planned["agents"].get(name, {})),
    }
    return f"@fake/{name}", data | {
        "fake_responses": answers | CONTENTS,
        "fake_delay": 0,
        "fake_delay_jitter": 0,
    }


def _why_no_mail(exchanger: Exchanger) -> str:
    name = exchanger.fqdn.partition(".")[0]
    return f"{exchanger.fqdn}: Connection refused" if name in _planned.get("closed", ()) else ""


dns.why_no_mail = _why_no_mail  # type: ignore[attr-defined]
exchangers = [_host(name, data) for name, data in _exchangers]

if "record" in _planned:
    record(Path(_planned["record"]))
if "commands" in _planned:
    keep_commands(Path(_planned["commands"]))
