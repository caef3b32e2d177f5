"""Keep the failover agents from acting while a test looks at what the mail path does without them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab import ssh
from lab.settings import LabHost

LONGEST = "2h"  # a run that is killed leaves nobody held for ever


@contextmanager
def agents_held(hosts: Sequence[LabHost]) -> Iterator[None]:
    """Hold the agents of `hosts`, which then only recommend, and release them afterwards."""
    try:
        for host in hosts:
            ssh.on(host, f"mxctl failover hold --for {LONGEST} --reason tests")
        yield
    finally:
        for host in hosts:
            ssh.on(host, "mxctl failover release")
