"""The point release of the lab: packages as they are installed, in a version that apt takes for newer."""

import hashlib
import subprocess
from pathlib import Path

from tests.rolling.newer import HIGHER, installed, newer, repack

LISTED = """postfix postfix 3.10.4-1+b1 installed
postfix postfix-lmdb 3.10.4-1+b1 installed
postfix postfix-doc 3.10.4-1 config-files
nginx nginx-light 1.26.3-3 installed
bash bash 5.2.37-2+b5 installed
"""
CONTROL = """Package: postfix-lmdb
Version: 3.10.4-1+b1
Architecture: {architecture}
Maintainer: A Person <person@alias.example>
Depends: postfix (= 3.10.4-1+b1), postfix-sql (= 3.10.4-1+b1), libpostfix (= 3.10.4-1+b1), libc6 (>= 2.38)
Description: a map
"""
VERSIONS = {"postfix": "3.10.4-1+b1", "postfix-lmdb": "3.10.4-1+b1", "libc6": "2.41-12"}


def test_what_is_installed_from_some_sources() -> None:
    assert installed(LISTED, ["postfix", "nginx"]) == {
        "postfix": "3.10.4-1+b1",
        "postfix-lmdb": "3.10.4-1+b1",
        "nginx-light": "1.26.3-3",
    }


def test_packages_that_need_each_other_exactly_still_do_and_others_are_left() -> None:
    control = newer(CONTROL, VERSIONS)

    assert f"\nVersion: 3.10.4-1+b1{HIGHER}\n" in control
    assert (
        f"Depends: postfix (= 3.10.4-1+b1{HIGHER}), postfix-sql (= 3.10.4-1+b1), libpostfix (= 3.10.4-1+b1), "
        "libc6 (>= 2.38)" in control
    )


def test_a_package_is_packed_anew_with_another_conffile_and_its_paragraph_is_true(tmp_path: Path) -> None:
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    root = tmp_path / "root"
    for path, content in {
        "DEBIAN/control": CONTROL.format(architecture=architecture),
        "DEBIAN/conffiles": "/etc/valkey/valkey.conf\n",
        "etc/valkey/valkey.conf": "port 6379\n",
        "usr/lib/postfix/map": "binary",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    package = tmp_path / "postfix-lmdb.deb"
    subprocess.run(["dpkg-deb", "-b", root, package], check=True, stdout=subprocess.DEVNULL)

    paragraph = repack(package, VERSIONS)

    fields = dict(line.split(": ", 1) for line in paragraph.splitlines())
    shown = subprocess.check_output(["dpkg-deb", "-f", package, "Version"], text=True).strip()
    assert shown == fields["Version"] == f"3.10.4-1+b1{HIGHER}"
    assert (
        subprocess.run(["dpkg", "--compare-versions", shown, "gt", "3.10.4-1+b1"], check=False).returncode
        == 0
    )
    whole = package.read_bytes()
    assert (fields["Size"], fields["SHA256"]) == (str(len(whole)), hashlib.sha256(whole).hexdigest())
    out = tmp_path / "out"
    subprocess.run(["dpkg-deb", "-x", package, out], check=True)
    assert (out / "etc/valkey/valkey.conf").read_text() == "port 6379\n# a rehearsal\n"
    assert (out / "usr/lib/postfix/map").read_text() == "binary"
