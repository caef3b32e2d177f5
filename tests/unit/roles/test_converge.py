"""The fingerprint that decides about a restart."""

import subprocess
from pathlib import Path

import pytest

from roles.lib.converge import fingerprint, start_command
from roles.lib.managed import Managed, ManagedFile, ManagedLink

FILES: list[Managed] = [
    ManagedFile("/etc/one.conf", "a = 1\n"),
    ManagedLink("/opt/twinmx/current", "releases/1"),
]
VERSIONS = {"postfix": "3.10.13-1"}
APPLY = "systemctl restart one"
KNOWN = fingerprint(FILES, VERSIONS, APPLY)


def test_equal_inputs_have_equal_fingerprints_in_any_order() -> None:
    assert fingerprint(list(reversed(FILES)), dict(VERSIONS), APPLY) == KNOWN


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(ManagedFile("/etc/one.conf", "a = 2\n"), id="content"),
        pytest.param(ManagedFile("/etc/one.conf", "a = 1\n", mode="0600"), id="mode"),
        pytest.param(ManagedFile("/etc/one.conf", "a = 1\n", group="postfix"), id="group"),
        pytest.param(ManagedFile("/etc/two.conf", "a = 1\n"), id="path"),
    ],
)
def test_a_file_that_differs_is_a_reason_to_restart(file: ManagedFile) -> None:
    assert fingerprint([file, FILES[1]], VERSIONS, APPLY) != KNOWN


def test_a_new_release_package_version_or_command_is_a_reason_to_restart() -> None:
    assert fingerprint([FILES[0], ManagedLink("/opt/twinmx/current", "releases/2")], VERSIONS, APPLY) != KNOWN
    assert fingerprint(FILES, {"postfix": "3.10.14-1"}, APPLY) != KNOWN
    assert fingerprint(FILES, VERSIONS, "systemctl reload one") != KNOWN


def test_the_fingerprint_of_a_secret_file_gives_nothing_of_it_away() -> None:
    secret = ManagedFile("/etc/key", "swordfish", secret=True)

    assert "swordfish" not in str(secret.state)
    assert "swordfish" not in fingerprint([secret], {}, "")


SYSTEMCTL = """#!/bin/sh
case $1 in
  show) date -u -d "{started}" "+%a %Y-%m-%d %H:%M:%S$([ "$2" != --timestamp=us+utc ] || echo .%6N) %Z";;
  *) echo "$@" >>{log};;
esac
"""


@pytest.mark.parametrize(
    ("started", "done"),
    [("1 hour ago", "restart one"), ("1 hour", "reload-or-restart one"), ("now", "reload-or-restart one")],
)
def test_a_unit_file_that_is_newer_than_the_service_restarts_it(
    tmp_path: Path, started: str, done: str
) -> None:
    """A sandbox holds from a start on: a reload would leave the old one around the process."""
    drop_in, log, systemctl = tmp_path / "twinmx.conf", tmp_path / "log", tmp_path / "systemctl"
    drop_in.touch()
    systemctl.write_text(SYSTEMCTL.format(started=started, log=log))
    systemctl.chmod(0o755)

    command = start_command("one", [str(drop_in)], reload=True)
    subprocess.run(["sh", "-ec", command], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)

    assert log.read_text() == f"{done}\n"


def test_without_unit_files_of_ours_a_reload_is_a_reload() -> None:
    assert start_command("one", [], reload=True) == "systemctl reload-or-restart one"
