"""What a change of a file shows, and what it never does."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from roles import forwarder, rspamd, valkey
from roles.lib import diff
from roles.lib.changes import FileChange
from roles.lib.managed import Managed, ManagedFile, ManagedLink
from tests.unit.roles.exchanges import all_secrets, site

SEEN = {"kind": "file", "sha256": "0", "mode": "0644", "user": "root", "group": "root"}


@pytest.fixture(autouse=True)
def old(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of every file as the host has it now; differences are asked for."""
    lines = ["kept", "went"]
    monkeypatch.setattr(diff, "_lines_of", lambda _path: lines)
    monkeypatch.setattr(diff, "state", SimpleNamespace(config=SimpleNamespace(DIFF=True)))
    return lines


def shown(file: Managed) -> FileChange:
    return diff.change_of(file, SEEN)


def test_a_text_file_is_shown_line_by_line() -> None:
    change = shown(ManagedFile("/etc/one.conf", "kept\ncame\n"))

    assert change.headline == "~ /etc/one.conf"
    assert change.diff[2:] == ("@@ -1,2 +1,2 @@", " kept", "-went", "+came")


def test_a_new_file_is_shown_whole_and_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "_lines_of", lambda path: pytest.fail(f"{path} is not there"))

    change = diff.change_of(ManagedFile("/etc/one.conf", "came\n"), None)

    assert change.headline == "+ /etc/one.conf"
    assert change.diff[-1] == "+came"


def test_a_secret_file_is_only_named_and_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "_lines_of", lambda path: pytest.fail(f"{path} was read"))

    change = shown(ManagedFile("/etc/key", "the new secret\n", mode="0400", secret=True))

    assert change.headline == "~ /etc/key: mode 0644 → 0400, a secret, not shown"
    assert change.diff == ()


def test_links_and_binary_files_are_only_named() -> None:
    link = diff.change_of(ManagedLink("/usr/local/bin/mxctl", "new"), {"kind": "link", "target": "old"})

    assert link.headline == "~ /usr/local/bin/mxctl: old → new"
    assert shown(ManagedFile("/etc/a.jsonl", b"{}")).headline == "~ /etc/a.jsonl: no text, not shown"


def test_where_only_the_owner_differs_the_content_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "_lines_of", lambda path: pytest.fail(f"{path} was read"))
    file = ManagedFile("/etc/one.conf", "kept\n", group="postfix")

    change = diff.change_of(file, file.state | {"group": "root"})

    assert change.headline == "~ /etc/one.conf: group root → postfix"


def test_what_is_removed_is_only_named() -> None:
    assert diff.removal_of("/etc/one.conf").headline == "- /etc/one.conf"


@pytest.mark.parametrize(
    "files", [forwarder.render_files(site()), rspamd.render_files(site()), valkey.render_files(site())]
)
def test_no_role_shows_a_secret(files: Sequence[Managed]) -> None:
    everything = "\n".join(shown(file).model_dump_json() for file in files)

    assert not any(secret in everything for secret in all_secrets())
