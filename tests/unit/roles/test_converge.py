"""The fingerprint that decides about a restart."""

import pytest

from roles.lib.converge import fingerprint
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
