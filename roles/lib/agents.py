"""What the failover agents have done, asked of the exchangers while DNS is prepared on the controller.

A converge brings everything to what the inventory says, but for a failover that is under way: who is demoted
stays demoted until the agent that did it takes it back (docs/adr/0015).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from pyinfra.api.host import Host
from pyinfra.context import state

UNIT = "/etc/systemd/system/failover.service"
SOCKET = "/run/twinmx/failover.sock"
ASK = (
    f"if test -e {UNIT}; then curl --silent --show-error --fail --max-time 3 --unix-socket {SOCKET} "
    "http://agent/state; else echo '{}'; fi"
)


@dataclass
class Standing:
    """demoted: host → who has demoted it and why. silent: exchangers that could not be asked."""

    demoted: dict[str, str] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)

    def take(self, name: str, said: str) -> None:
        """Add what the agent of `name` said; an exchanger without an agent says `{}`."""
        try:
            agent = json.loads(said)
            demoted = {host: f"{name}: {agent.get('cause') or 'silent'}" for host in agent.get("demoted", ())}
        except (ValueError, AttributeError):
            self.silent.append(name)
            return
        self.demoted |= demoted


def standing(names: Iterable[str]) -> Standing:
    """Ask the agents of the exchangers `names`; one that is not reached is named, and never an error."""
    found = Standing()
    for name in names:
        known = state.inventory.hosts.get(name)
        said = _asked(known) if known else None
        if said is None:
            found.silent.append(name)
        else:
            found.take(name, said)
    return found


def _asked(host: Host) -> str | None:
    host.connect(show_errors=False)
    if not host.connected:
        return None
    well, output = host.run_shell_command(ASK, print_output=False, print_input=False)
    return output.stdout if well else None
