"""Parameters and services of Postfix in force, as postconf(1) sees them."""

from collections.abc import Iterator, Mapping

from twinmx.drift.asking import run
from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Instance, Manifest

WHERE = "config_directory"
"""What -c says, and postconf repeats as if main.cf had it."""


def check(manifest: Manifest) -> Iterator[Finding]:
    """What differs from the manifest, or is not in it."""
    for directory, wanted in manifest.postfix.items():
        parameters = parse_parameters(run("postconf", "-c", directory, "-n"))
        parameters.pop(WHERE, None)
        services = parse_services(run("postconf", "-c", directory, "-M"))
        yield from judge(directory, wanted, Instance(parameters=parameters, services=services))


def parse_parameters(text: str) -> dict[str, str]:
    """A main.cf, or `postconf -n`: name → value, with single spaces (postconf(5))."""
    pairs = (line.partition("=") for line in _logical_lines(text))
    return {name.strip(): " ".join(value.split()) for name, _, value in pairs}


def parse_services(text: str) -> dict[str, str]:
    """A master.cf, or `postconf -M`: "name type" → the rest of its line, with single spaces (master(5))."""
    words = (line.split() for line in _logical_lines(text))
    return {" ".join(line[:2]): " ".join(line[2:]) for line in words}


def _logical_lines(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and lines:
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return lines


def judge(directory: str, wanted: Instance, found: Instance) -> Iterator[Finding]:
    """The differences of main.cf and master.cf."""
    yield from _differences(f"{directory}/main.cf", wanted.parameters, found.parameters)
    yield from _differences(f"{directory}/master.cf", wanted.services, found.services)


def _differences(file: str, wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(wanted.keys() | found.keys()):
        ours, theirs = wanted.get(name), found.get(name)
        if ours == theirs:
            continue
        if ours is None:
            problem = f"not ours: {theirs}"
        elif theirs is None:
            problem = f"not in force: {ours}"
        else:
            problem = f"{theirs} instead of {ours}"
        yield Finding(kind="postfix", name=f"{file} {name}", problem=problem)
