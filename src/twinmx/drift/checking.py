"""All that is compared, in one report."""

from collections.abc import Callable, Iterator

from twinmx.drift import (
    files,
    firewall,
    kernel,
    logins,
    packages,
    places,
    postfix,
    release,
    rspamd,
    sockets,
    units,
)
from twinmx.drift.asking import CannotTellError
from twinmx.drift.finding import Finding, Report
from twinmx.drift.manifest import Manifest
from twinmx.drift.pattern import matches

CHECKS: dict[str, Callable[[Manifest], Iterator[Finding]]] = {
    "files": files.check,
    "places": places.check,
    "packages": packages.check,
    "units": units.check,
    "sockets": sockets.check,
    "postfix": postfix.check,
    "rspamd": rspamd.check,
    "kernel": kernel.check,
    "firewall": firewall.check,
    "release": release.check,
    "logins": logins.check,
}


def report_on(
    manifest: Manifest, checks: dict[str, Callable[[Manifest], Iterator[Finding]]] = CHECKS
) -> Report:
    """Compare this host with `manifest`. What cannot be looked at is an error, and the rest is looked at."""
    found: list[Finding] = []
    errors: dict[str, str] = {}
    for name, check in checks.items():
        try:
            found += check(manifest)
        except (CannotTellError, OSError, ValueError) as error:
            errors[name] = str(error)
    return sorted_out(manifest, found, errors)


def sorted_out(manifest: Manifest, found: list[Finding], errors: dict[str, str]) -> Report:
    """Each finding once, and those that the inventory allows apart."""
    allowed = [one for one in found if any(matches(pattern, one.key) for pattern in manifest.allowed)]
    return Report(
        findings=list(dict.fromkeys(one for one in found if one not in allowed)),
        allowed=list(dict.fromkeys(allowed)),
        errors=errors,
    )
