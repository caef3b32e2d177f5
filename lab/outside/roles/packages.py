"""A cache of Debian packages, so that the lab's hosts download each one once.

A volume shared by the hosts would do it with less, but apt locks its archive directory and does not wait
for the lock: two hosts could not be converged at the same time. Every host's apt asks for this cache, and
goes to the mirror by itself where nothing answers.
"""

from pyinfra.api.deploy import deploy

from lab.hosts import PACKAGE_CACHE
from lab.outside.render import render
from roles.lib.converge import converged, converged_service
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile
from roles.lib.packages import packages

PORT = 3142
PACKAGES = ["apt-cacher-ng"]
USER = "apt-cacher-ng"
# Without this file the package's installation asks the Internet for Ubuntu's mirrors, and waits for it.
NO_UBUNTU = ManagedFile("/var/lib/apt-cacher-ng/backends_ubuntu.default", "# the lab has no Ubuntu hosts\n")


def render_configuration() -> ManagedFile:
    """acng.conf, whole."""
    text = render("packages/acng.conf.j2", port=PORT, cache=PACKAGE_CACHE)
    return ManagedFile("/etc/apt-cacher-ng/acng.conf", text)


@deploy("Package cache")
def package_cache() -> None:
    """Install and converge apt-cacher-ng; ready when it takes connections."""
    checked_files("no ubuntu", [NO_UBUNTU])
    packages("package cache", PACKAGES)
    files = [render_configuration()]
    checked_files("package cache", files)
    # the volume is root's when it is new, and the package leaves a directory that exists as it is
    converged(
        "package-cache-owner",
        apply=f"chown -R {USER}:{USER} {PACKAGE_CACHE}",
        packages=PACKAGES,
    )
    converged_service(
        "apt-cacher-ng.service",
        inputs=files,
        healthy=f"bash -c '</dev/tcp/127.0.0.1/{PORT}'",
        packages=PACKAGES,
    )
