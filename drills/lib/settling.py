"""Find every letter of a drill, wherever it is at its end.

What is deferred waits for Postfix's next try, in postfix-out up to an hour. What is still in a queue
FIRST_SECONDS after the last letter is flushed, as an operator would after an incident, so the longest delays
in a report may be shorter than they would have been, never longer.
"""

from drills.lib.flow import Flow
from lab import ssh
from lab.ledger import Seen
from lab.ledger_places import QUEUES, settle

FIRST_SECONDS = 120.0
PATIENCE_SECONDS = 1200.0


def found(flows: list[Flow]) -> dict[str, Seen]:
    """Where the letters of each stream are, by its name."""
    seen = {flow.stream.name: settle(flow.letters, flow.places, FIRST_SECONDS) for flow in flows}
    if any(one.held for one in seen.values()):
        _flush()
        seen = {flow.stream.name: settle(flow.letters, flow.places, PATIENCE_SECONDS) for flow in flows}
    return seen


def _flush() -> None:
    for _, hosts, config in QUEUES:
        for host in hosts:
            ssh.on(host, f"postqueue -c {config} -f")
