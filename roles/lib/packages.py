"""Debian packages, installed without starting what they bring.

A package's service must not run with the distribution's configuration, not even for a second, on a host
that is on the Internet: while packages are installed a policy-rc.d forbids starts, and each role starts
its service when its own configuration has been accepted.
"""

import shlex
from collections.abc import Generator, Mapping, Sequence

from packaging.version import Version
from pyinfra.api.command import StringCommand
from pyinfra.api.operation import OperationMeta, operation

from roles.lib.changes import PackageChange
from roles.lib.observed import forget, observe
from roles.lib.telling import tell, told
from roles.lib.wanted import want

INSTALL = """set -e
export DEBIAN_FRONTEND=noninteractive
trap 'rm -f /usr/sbin/policy-rc.d' EXIT
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt='apt-get -q -o DPkg::Lock::Timeout=300' # an unattended upgrade may be under way
find /var/lib/apt/lists -maxdepth 1 -name '*_Packages' -mmin -60 | grep -q . || $apt update
$apt install -y --no-install-recommends -o Dpkg::Options::=--force-confold {packages}
{demands}"""

DEMAND = """dpkg --compare-versions "$(dpkg-query -W -f '${{Version}}' {package})" ge {version} || {{
  echo '{package} {version} or newer is needed; the configured Debian mirror offers only' \\
    "$(dpkg-query -W -f '${{Version}}' {package}). Enable trixie-security, or update the mirror."
  exit 1
}}"""


def _upstream(version: str) -> Version:
    """The upstream part of a Debian version (deb-version(7)): no epoch, no revision, no +suffix."""
    return Version(version.split(":", 1)[-1].split("-", 1)[0].split("+", 1)[0])


@operation()
def _packages(packages: Sequence[str], at_least: Mapping[str, str]) -> Generator[StringCommand, None, None]:
    installed = observe().packages
    coming = {change.name for change in told() if isinstance(change, PackageChange)}
    missing = [package for package in packages if package not in installed and package not in coming]
    old = [
        package
        for package, version in at_least.items()
        if package in installed and _upstream(installed[package]) < Version(version)
    ]
    if not missing and not old:
        return
    for package in missing:
        tell(PackageChange(name=package, action="install"))
    for package in old:
        change = PackageChange(
            name=package, action="upgrade", installed=installed[package], at_least=at_least[package]
        )
        tell(change)
    demands = "\n".join(
        DEMAND.format(package=package, version=version) for package, version in at_least.items()
    )
    wanted = " ".join(shlex.quote(package) for package in [*missing, *old])
    yield StringCommand(f"sh -c {shlex.quote(INSTALL.format(packages=wanted, demands=demands))}")
    forget()


def packages(
    name: str, packages: Sequence[str], *, at_least: Mapping[str, str] | None = None
) -> OperationMeta:
    """Install what is missing of `packages`; `at_least` gives the lowest upstream version of some."""
    want(packages=dict.fromkeys(packages) | dict(at_least or {}))
    return _packages(packages=packages, at_least=at_least or {}, name=f"{name}: packages")
