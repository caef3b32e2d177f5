"""What the faults do to whole hosts, and how they know that both are whole again."""

import json
import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from lab import ssh
from lab.engine import docker
from lab.settings import LAB, LabHost

MX1, MX2 = LAB.hosts


@contextmanager
def host_frozen(host: LabHost) -> Iterator[None]:
    """Hold a whole host: its kernel still completes TCP handshakes, and nobody answers."""
    try:
        docker("pause", host.name)
        yield
    finally:
        docker("unpause", host.name)


def ruled(host: LabHost, *rules: str) -> AbstractContextManager[None]:
    """Have packet filter rules before the host's own, each `input RULE` or `output RULE` (nft(8)).

    They meet packets of open connections, too.
    """
    commands = (
        "add table inet fault",
        *(
            f"add chain inet fault {at} {{ type filter hook {at} priority -10; }}"
            for at in ("input", "output")
        ),
        *(f"add rule inet fault {rule}" for rule in rules),
    )
    return ssh.meanwhile(host, f"nft {shlex.quote('; '.join(commands))}", "nft delete table inet fault")


def port_refused(host: LabHost, port: int) -> AbstractContextManager[None]:
    """Answer everything that comes to a TCP port of the host, open sessions included, with a reset."""
    return ruled(host, f"input tcp dport {port} reject with tcp reset")


def ruled_packets(host: LabHost) -> int:
    """How many packets the rules with a `counter` have met."""
    listed = json.loads(ssh.on(host, "nft -j list table inet fault"))["nftables"]
    parts = [part for one in listed for part in one.get("rule", {}).get("expr", ())]
    return sum(int(part["counter"]["packets"]) for part in parts if "counter" in part)
