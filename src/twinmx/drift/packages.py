"""Packages that roles need: installed, new enough, from a mirror, and free to be upgraded.

A newer version on the mirror is no drift: security updates come by themselves, others with a converge.
"""

import subprocess
from collections.abc import Iterator, Mapping

from twinmx.drift.asking import run
from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest
from twinmx.program.settings import Table

STATUS = "/var/lib/dpkg/status"


class Package(Table):
    """installed: its version, if it is. candidate: what apt would install. sources: who offers the first."""

    installed: str | None = None
    candidate: str | None = None
    sources: tuple[str, ...] = ()


def check(manifest: Manifest) -> Iterator[Finding]:
    """What is not as it shall be."""
    seen = parse_policy(run("apt-cache", "policy", *manifest.packages))
    held = set(run("apt-mark", "showhold").split())
    old = {
        name
        for name, version in manifest.packages.items()
        if version and (known := seen.get(name)) and known.installed and _older(known.installed, version)
    }
    yield from judge(manifest, seen, held, old)


def _older(installed: str, version: str) -> bool:
    """Whether an upstream version is not reached (deb-version(7): 3.10.13~rc1 is older than 3.10.13)."""
    upstream = installed.rpartition(":")[2].rpartition("-")[0] or installed
    compared = subprocess.run(["dpkg", "--compare-versions", upstream, "lt", version], check=False)
    return compared.returncode == 0


def parse_policy(text: str) -> dict[str, Package]:
    """The answer of `apt-cache policy` (apt-cache(8)) by package."""
    found: dict[str, Package] = {}
    name, listed = "", ""
    for line in text.splitlines():
        words = line.split()
        if not line.startswith(" "):
            name, listed = line.rstrip(":"), ""
            found[name] = Package()
        elif words[0] in ("Installed:", "Candidate:") and words[1] != "(none)":
            found[name] = found[name].model_copy(update={words[0][:-1].lower(): words[1]})
        elif line.startswith(" *** "):
            listed = words[1]
        elif line.startswith(" " * 5) and not line.startswith(" " * 6):
            listed = words[0]
        elif line.startswith(" " * 6) and listed and listed == found[name].installed:
            sources = (*found[name].sources, words[1])
            found[name] = found[name].model_copy(update={"sources": sources})
    return found


def judge(
    manifest: Manifest, seen: Mapping[str, Package], held: set[str], old: set[str]
) -> Iterator[Finding]:
    """Where no package at all has a source, this host has no lists of its mirror, and nothing is said."""
    lists = any(set(package.sources) - {STATUS} for package in seen.values())
    for name, version in manifest.packages.items():
        package = seen.get(name, Package())
        nowhere = package.installed == package.candidate and not set(package.sources) - {STATUS}
        if not package.installed:
            yield Finding(kind="package", name=name, problem="it is not installed")
        elif name in old:
            problem = f"{package.installed} is older than {version}"
            yield Finding(kind="package", name=name, problem=problem)
        elif lists and nowhere:
            problem = f"no mirror offers {package.installed}"
            yield Finding(kind="package", name=name, problem=problem)
        if package.installed and name in held:
            yield Finding(kind="package", name=name, problem="it is held: no update reaches it")
