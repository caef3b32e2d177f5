"""What --diff shows, and what it never does."""

from collections.abc import Sequence

import pytest

from roles import forwarder, rspamd, valkey
from roles.lib import diff
from roles.lib.managed import Managed, ManagedFile, ManagedLink
from tests.unit.roles.exchanges import all_secrets, site


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of every file as the host has it now."""
    lines = ["kept", "went"]
    monkeypatch.setattr(diff, "_lines_of", lambda _path: lines)
    return lines


def shown(file: Managed) -> list[str]:
    return diff._difference(file)


@pytest.mark.usefixtures("old")
def test_a_text_file_is_shown_line_by_line() -> None:
    lines = shown(ManagedFile("/etc/one.conf", "kept\ncame\n"))

    assert "-went" in lines
    assert "+came" in lines
    assert " kept" in lines


def test_a_secret_file_is_only_named(old: list[str]) -> None:
    old.append("the old secret")

    assert shown(ManagedFile("/etc/key", "the new secret\n", secret=True)) == [
        "~ /etc/key: a secret, not shown"
    ]


def test_links_and_binary_files_are_only_named() -> None:
    assert shown(ManagedLink("/opt/twinmx/current", "releases/1")) == ["~ /opt/twinmx/current"]
    assert shown(ManagedFile("/etc/twinmx/aliases.jsonl", b"{}")) == ["~ /etc/twinmx/aliases.jsonl"]


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize(
    "files", [forwarder.render_files(site()), rspamd.render_files(site()), valkey.render_files(site())]
)
def test_no_role_shows_a_secret(files: Sequence[Managed]) -> None:
    everything = "\n".join(line for file in files for line in shown(file))

    assert not any(secret in everything for secret in all_secrets())
