"""The programs of src/twinmx, as a release on the host: built here, installed there, switched by a link.

Ports: none. The aliases and forwarder roles depend on it. A release is a virtual environment of its own
under /opt/twinmx/releases; /opt/twinmx/current points at the one in use and the one before it is kept.
Hosts never talk to a package index: the controller ships every wheel, and pip on the host checks each
against the hashes in requirements/hosts.txt.
"""

import shlex
import tomllib
from collections.abc import Generator
from pathlib import Path

from pyinfra.api.command import FileUploadCommand, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import state
from typer.completion import get_completion_script  # type: ignore[attr-defined] # documented, not declared

from roles.lib.changes import ReleaseChange
from roles.lib.converge import PENDING, STAMPS
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile, ManagedLink
from roles.lib.observed import announce, forget, observe
from roles.lib.packages import packages
from roles.lib.role import role
from roles.lib.site import Site
from roles.lib.telling import tell
from roles.lib.wheelhouse import Wheelhouse, wheelhouse

PACKAGES = ("python3-venv", "bash-completion")
HOME = "/opt/twinmx"
CURRENT = f"{HOME}/current"
PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
PROGRAMS = tuple(tomllib.loads(PYPROJECT.read_text())["project"]["scripts"])
OPERATOR = ManagedLink("/usr/local/bin/mxctl", f"{CURRENT}/bin/mxctl")
# Tab in a login shell of an operator; mxctl itself says what may follow.
COMPLETION = ManagedFile(
    "/usr/local/share/bash-completion/completions/mxctl",
    get_completion_script(  # noqa: S604 - the name of a shell, and nothing is run
        prog_name="mxctl", complete_var="_MXCTL_COMPLETE", shell="bash"
    )
    + "\n",
)

# A release is built under a name of its own, tried, and only then linked: a wheel that does not even
# import never becomes the current one. What was started from the old link loses its stamp. Older releases
# than the previous one are removed, but for the one that a rollback would lead to.
INSTALL = """set -e
umask 022
new={home}/releases/{version}
previous=$(readlink {current} || true)
rm -rf "$new" && mkdir -p "$new/wheels"
tar -xf {archive} -C "$new/wheels" && rm {archive}
python3 -m venv "$new"
"$new/bin/pip" install -q --no-index --find-links "$new/wheels" --require-hashes -r "$new/wheels/hosts.txt"
"$new/bin/pip" install -q --no-index --no-deps "$new"/wheels/twinmx-*.whl
rm -r "$new/wheels"
for program in {programs}; do "$new/bin/$program" --help >/dev/null; done
grep -lsxF {current} {stamps}/* | xargs -r rm
ln -sfn "releases/{version}" {home}/.next && mv -T {home}/.next {current}
before=$(python3 -c {link_before} 2>/dev/null || true)
for old in {home}/releases/*; do
  case "releases/${{old##*/}}" in "releases/{version}"|"$previous"|"$before") ;; *) rm -rf "$old" ;; esac
done"""
LINK_BEFORE = f"""import json
print(json.load(open("{PENDING}/manifest.json"))["entries"]["{CURRENT}"]["target"])"""
"""Prints the release to which a rollback would lead, while a converge has not been found good."""


def current_link() -> ManagedLink:
    """The link to the release built from this checkout; what runs from it restarts when it changes."""
    return ManagedLink(CURRENT, f"releases/{wheelhouse().version}")


@operation()
def _release(
    built: Wheelhouse,
) -> Generator[FileUploadCommand | StringCommand, None, None]:
    seen = observe().files.get(CURRENT)
    if seen == current_link().state:
        return
    previous = Path(seen["target"]).name if seen and "target" in seen else None
    tell(ReleaseChange(path=CURRENT, version=built.version, previous=previous))
    archive = f"/var/lib/twinmx/{built.version}.tar"
    if state.is_executing:  # a plan needs no wheels
        built.build()
    yield FileUploadCommand(str(built.archive), archive)
    script = INSTALL.format(
        home=HOME,
        version=built.version,
        current=CURRENT,
        archive=archive,
        stamps=STAMPS,
        link_before=shlex.quote(LINK_BEFORE),
        programs=" ".join(PROGRAMS),
    )
    yield StringCommand(f"sh -c {shlex.quote(script)}")
    forget()


@role("release")
def deploy(_site: Site) -> None:
    """Install the release built from this checkout, and make it the current one."""
    packages("release", PACKAGES)
    announce(paths=[CURRENT])
    _release(built=wheelhouse(), name="release")
    checked_files("mxctl", [OPERATOR, COMPLETION])
