"""All that the roles want of a host, collected while pyinfra prepares, for the manifest of the drift role."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyinfra.context import host

from roles.lib.managed import Managed


@dataclass
class Wanted:
    """files: by path. packages: name → lowest upstream version, or none. active, at_boot: units."""

    files: dict[str, Managed] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    packages: dict[str, str | None] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)
    at_boot: set[str] = field(default_factory=set)


_wanted: dict[str, Wanted] = defaultdict(Wanted)


def want(
    *,
    files: Iterable[Managed] = (),
    absent: Iterable[str] = (),
    packages: Mapping[str, str | None] | None = None,
    active: Iterable[str] = (),
    at_boot: Iterable[str] = (),
) -> None:
    """Add to what is wanted of the current host."""
    wanted = _wanted[host.name]
    wanted.files |= {file.path: file for file in files}
    wanted.absent.update(absent)
    wanted.packages |= packages or {}
    wanted.active.update(active)
    wanted.at_boot.update(at_boot)


def wanted() -> Wanted:
    """What the roles have wanted of the current host so far."""
    return _wanted[host.name]
