"""Keep the failover agents from acting while a test looks at what the mail path does without them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab import ssh
from lab.settings import LabHost
from lab.waiting import until

LONGEST = "2h"  # a run that is killed leaves nobody held for ever
WELL_SECONDS = 240  # canaries of a while ago count


@contextmanager
def agents_held(hosts: Sequence[LabHost]) -> Iterator[None]:
    """Hold the agents of `hosts`, which then only recommend, and release them when they find nothing bad.

    Released any sooner, one would act upon what the last test did.
    """
    try:
        for host in hosts:
            ssh.on(host, f"mxctl failover hold --for {LONGEST} --reason tests")
        yield
    finally:
        try:
            until(lambda: not any(map(_finds, hosts)), WELL_SECONDS, "agents that find nothing bad")
        finally:
            for host in hosts:
                ssh.on(host, "mxctl failover release")


def _finds(host: LabHost) -> list[str]:
    """What the agent of a host takes for bad, or may soon."""
    state = json.loads(ssh.on(host, "mxctl failover status --json"))
    return [*state["bad"], *state["suspect"]]
