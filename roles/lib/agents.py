"""What the failover agents have done, asked of the exchangers while DNS is prepared on the controller.

A converge brings everything to what the inventory says, but for a failover that is under way: who is demoted
stays demoted until the agent that did it takes it back (docs/adr/0015), or is told to (flag `failover`).
"""

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

from pyinfra.api.host import Host
from pyinfra.context import state

UNIT = "/etc/systemd/system/failover.service"
SOCKET = "/run/twinmx/failover.sock"
CURL = f"curl --silent --show-error --max-time 3 --unix-socket {SOCKET}"
ASK = f"if test -e {UNIT}; then {CURL} --fail http://agent/state; else echo '{{}}'; fi"
END_FLAG = "--data failover=end"
UNDRAIN = "mxctl undrain"
"""What ends a failover that an agent began, and a drain that somebody ordered."""
ORDER = {"by": "converge", "reason": END_FLAG}
END = f"""code=$({CURL} --output /dev/null --write-out '%{{http_code}}' \\
  --data {shlex.quote(json.dumps(ORDER))} http://agent/end)
case $code in
  200 | 409) ;;  # the second says that it has ended by itself meanwhile
  *) echo "the failover agent does not end what it did: $code"; exit 1 ;;
esac"""


@dataclass
class Standing:
    """demoted: host → who has demoted it and why. silent: exchangers that could not be asked.

    by_itself: exchanger → what its agent has done without an order. ordered: who is drained by an order.
    absent: exchangers without an agent, which have never been converged.
    """

    demoted: dict[str, str] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    by_itself: dict[str, list[str]] = field(default_factory=dict)
    ordered: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    def take(self, name: str, said: str) -> None:
        """Add what the agent of `name` said; an exchanger without an agent says `{}`."""
        try:
            agent = json.loads(said)
            why = f"{name}: {agent.get('cause') or 'silent'}"
            demoted = [str(host) for host in agent.get("demoted", ())]
            drained = agent.get("state") in ("draining", "drained")
            ordered = agent.get("order") is not None
        except (ValueError, AttributeError, TypeError):
            self.silent.append(name)
            return
        if not agent:
            self.absent.append(name)
        self.demoted |= dict.fromkeys(demoted, why)
        done = [f"the drain of {name} ({agent.get('cause')})"] if drained and not ordered else []
        done += [f"the demotion of {host}" for host in demoted if host != name]
        if done:
            self.by_itself[name] = done
        if drained and ordered:
            self.ordered.append(name)

    def ended(self) -> "Standing":
        """What is left of it once the agents have ended what they did by themselves.

        An agent that cannot be asked holds the records up no longer: what it still wants it does again.
        """
        left = {host: why for host, why in self.demoted.items() if host in self.ordered}
        return Standing(left, ordered=self.ordered, absent=self.absent)


def standing(names: Iterable[str]) -> Standing:
    """Ask the agents of the exchangers `names`; one that is not reached is named, and never an error."""
    found = Standing()
    hosts = {known.data.get("exchanger"): known for known in state.inventory}
    for name in names:
        known = hosts.get(name)
        said = _asked(known) if known else None
        if said is None:
            found.silent.append(name)
        else:
            found.take(name, said)
    return found


def _asked(known: Host) -> str | None:
    known.connect(show_errors=False)
    if not known.connected:
        return None
    well, output = known.run_shell_command(ASK, print_output=False, print_input=False)
    return output.stdout if well else None
