"""A point release that never was: installed packages once more, in a higher version, offered on the host.

Sent to the host as text, with the names of source packages; prints JSON, package → new version. Each package
is fetched as it is installed and packed anew under a higher version, so that apt, dpkg, its maintainer
scripts and its conffiles do what they do in a real upgrade. A comment is added in some of the conffiles.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path("/srv/point-release")
SOURCE = Path("/etc/apt/sources.list.d/point-release.list")
ENTRY = f"deb [trusted=yes] file:{HERE} ./\n"
HIGHER = "+rehearsal"
CONFFILES = (
    "/etc/nginx/nginx.conf",
    "/etc/spamassassin/local.cf",
    "/etc/unbound/unbound.conf",
    "/etc/valkey/valkey.conf",
)
"""Which take comments, and which the roles write; the packages have them as well."""

LISTED = "${source:Package} ${Package} ${Version} ${db:Status-Status}\n"


def run(*words: str, at: Path = HERE) -> str:
    """What a command prints; CalledProcessError where it fails."""
    return subprocess.run(words, cwd=at, stdout=subprocess.PIPE, text=True, check=True).stdout


def installed(listed: str, sources: Sequence[str]) -> dict[str, str]:
    """Package → version of what is installed from these sources, by dpkg-query(1) with LISTED."""
    rows = [line.split() for line in listed.splitlines()]
    return {
        name: version for source, name, version, state in rows if source in sources and state == "installed"
    }


def newer(control: str, versions: Mapping[str, str]) -> str:
    """A control file (deb-control(5)) in the higher version, and so what it needs exactly of `versions`."""
    control = re.sub(r"^(Version: \S+)$", rf"\1{HIGHER}", control, flags=re.MULTILINE)
    for name, version in versions.items():
        exactly = rf"(?<![\w.+-])({re.escape(name)}(?::\w+)? \(= {re.escape(version)})\)"
        control = re.sub(exactly, rf"\1{HIGHER})", control)
    return control


def repack(package: Path, versions: Mapping[str, str]) -> str:
    """Pack a .deb anew, in its place; its paragraph for the index of the archive."""
    folder = package.with_suffix("")
    run("dpkg-deb", "-R", str(package), str(folder), at=package.parent)
    control = newer((folder / "DEBIAN" / "control").read_text(), versions)
    (folder / "DEBIAN" / "control").write_text(control)
    for path in CONFFILES:
        file = folder / path.lstrip("/")
        if file.is_file() and not file.is_symlink():
            file.write_text(f"{file.read_text().rstrip()}\n# a rehearsal\n")
    run("dpkg-deb", "-Zgzip", "-z1", "-b", str(folder), str(package), at=package.parent)
    content = package.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return f"{control.rstrip()}\nFilename: ./{package.name}\nSize: {len(content)}\nSHA256: {digest}\n"


def main(sources: Sequence[str]) -> None:
    """Make the archive, and have apt know it."""
    HERE.mkdir(parents=True, exist_ok=True)
    run("apt-get", "-qq", "update")
    versions = installed(run("dpkg-query", "-W", "-f", LISTED), sources)
    run("apt-get", "-qq", "download", *(f"{name}={version}" for name, version in versions.items()))
    index = [repack(package, versions) for package in sorted(HERE.glob("*.deb"))]
    (HERE / "Packages").write_text("\n".join(index))
    SOURCE.write_text(ENTRY)
    print(json.dumps({name: version + HIGHER for name, version in versions.items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
