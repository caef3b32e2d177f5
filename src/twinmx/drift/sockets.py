"""Who listens on this host: what the roles say, all of it and nothing else."""

import pwd
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from twinmx.drift.asking import run
from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest
from twinmx.drift.pattern import matches

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
ANYWHERE = ("0.0.0.0", "[::]", "*")  # noqa: S104 - what ss prints


def check(manifest: Manifest) -> Iterator[Finding]:
    """What listens and should not, and the other way round."""
    first = int(EPHEMERAL.read_text().split()[0])
    seen = parse("tcp", run("ss", "-Hltne"), 1 << 16) | parse("udp", run("ss", "-Hlune"), first)
    yield from judge(manifest, seen)


def parse(protocol: str, text: str, below: int) -> dict[str, str]:
    """The answer of `ss -Hlne`: "tcp ADDRESS:PORT", where * is any address, and whose it is.

    below: ports from there on are those of clients, who wait for an answer by UDP.
    """
    found = {}
    for line in text.splitlines():
        words = line.split()
        address, _, port = words[3].rpartition(":")
        if int(port) < below:
            address = address.partition("%")[0]
            name = f"{protocol} {'*' if address in ANYWHERE else address}:{port}"
            found[name] = next((_user(word[4:]) for word in words if word.startswith("uid:")), "root")
    return found


def _user(number: str) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(int(number)).pw_name
    return number


def judge(manifest: Manifest, seen: Mapping[str, str]) -> Iterator[Finding]:
    """The differences between the manifest and what listens. seen: socket → user."""
    for name in sorted(set(manifest.sockets) - seen.keys()):
        yield Finding(kind="socket", name=name, problem="nothing listens there")
    for name in sorted(seen.keys() - set(manifest.sockets)):
        if not any(matches(pattern, f"{name} {seen[name]}") for pattern in manifest.ignored):
            problem = f"a program of {seen[name]} listens there, and no role has started it"
            yield Finding(kind="socket", name=name, problem=problem)
