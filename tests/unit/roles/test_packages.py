"""Debian's versions, compared with the upstream version that a role demands."""

import pytest
from packaging.version import Version

from roles.lib.packages import _upstream
from roles.postfix import OLDEST


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("3.10.13-0+deb13u1", "3.10.13"),
        ("1:3.10.13-1", "3.10.13"),
        ("3.10.13+ds-2", "3.10.13"),
        ("3.10.9-1", "3.10.9"),
        ("3.11", "3.11"),
    ],
)
def test_the_upstream_part_is_found(debian: str, upstream: str) -> None:
    assert _upstream(debian) == Version(upstream)


@pytest.mark.parametrize(
    ("debian", "enough"),
    [("3.10.9-1", False), ("3.10.13-0+deb13u1", True), ("3.10.100-1", True), ("3.9.20-1", False)],
)
def test_versions_are_numbers_not_text(debian: str, enough: bool) -> None:
    assert (_upstream(debian) >= Version(OLDEST["postfix"])) is enough
