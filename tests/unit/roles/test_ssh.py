"""sshd's settings: none unless asked for, and none with which an operator would stay outside."""

import os
import pwd
from pathlib import Path

import pytest

from roles.lib.onhost.ssh_check import Settings, has_key, locked_out, overruled
from roles.ssh import render_files
from tests.unit.roles.exchanges import exchange, site
from tests.unit.roles.rendered import text

NETWORK = {"ssh_from": ["192.0.2.0/28"]}
IN_FORCE: Settings = {
    "port": ["22"],
    "permitrootlogin": ["without-password"],
    "passwordauthentication": ["no"],
    "authorizedkeysfile": [".ssh/authorized_keys %h/.keys/%u"],
}


def lines(**ssh: object) -> list[str]:
    (file,) = render_files(site(exchange(access=NETWORK | {"ssh": ssh})))
    return text(file).splitlines()


def operator(home: Path, uid: int = 1000) -> pwd.struct_passwd:
    return pwd.struct_passwd(("root", "x", uid, os.getgid(), "", str(home), "/bin/sh"))


@pytest.fixture
def keyed(tmp_path: Path) -> pwd.struct_passwd:
    """Someone who has a key."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "authorized_keys").write_text("# mine\nssh-ed25519 AAAA operator\n")
    return operator(tmp_path)


def test_sshd_is_left_alone_unless_asked() -> None:
    assert render_files(site(exchange(access=NETWORK))) == []


def test_asked_without_more_keys_alone_let_in() -> None:
    assert {"PermitRootLogin prohibit-password", "PasswordAuthentication no"} <= set(lines())
    assert "KbdInteractiveAuthentication no" in lines()
    assert not [line for line in lines() if line.startswith("AllowGroups")]


def test_each_knob_is_in_force() -> None:
    said = lines(root_login="no", passwords=True, groups=["sudo", "ops"], login_seconds=45)

    wanted = {"PermitRootLogin no", "PasswordAuthentication yes", "AllowGroups sudo ops", "LoginGraceTime 45"}
    assert wanted <= set(said)


def test_who_has_a_key_gets_in(keyed: pwd.struct_passwd) -> None:
    assert list(locked_out(keyed, "22", IN_FORCE)) == []


@pytest.mark.parametrize("content", ["", "# ssh-ed25519 AAAA gone\n\n"])
def test_a_file_without_a_key_is_no_key(tmp_path: Path, content: str) -> None:
    (tmp_path / ".keys").mkdir()
    (tmp_path / ".keys" / "root").write_text(content)

    assert not has_key(operator(tmp_path), IN_FORCE)

    (tmp_path / ".keys" / "root").write_text(content + "ssh-ed25519 AAAA back\n")

    assert has_key(operator(tmp_path), IN_FORCE)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"authorizedkeysfile": ["/nowhere/%u"]}, "has no key here"),
        ({"port": ["2222"]}, "listens on port 2222, but the firewall lets 22 in"),
        ({"allowgroups": ["nobody-is-in-this"]}, "in none of nobody-is-in-this"),
    ],
)
def test_a_lock_out_is_told_with_the_way_out(
    keyed: pwd.struct_passwd, changed: Settings, reason: str
) -> None:
    (told,) = locked_out(keyed, "22", IN_FORCE | changed)

    assert reason in told


def test_root_is_not_shut_out_by_root(tmp_path: Path) -> None:
    told = list(locked_out(operator(tmp_path, 0), "22", IN_FORCE | {"permitrootlogin": ["no"]}))

    assert any("converge as another user" in reason for reason in told)


def test_passwords_replace_a_key(tmp_path: Path) -> None:
    assert list(locked_out(operator(tmp_path), "22", IN_FORCE | {"passwordauthentication": ["yes"]})) == []


def test_another_file_that_comes_first_is_found(tmp_path: Path) -> None:
    ours = tmp_path / "00-twinmx.conf"
    ours.write_text("# why\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nAllowGroups a b\n")
    settings = IN_FORCE | {"allowgroups": ["a", "b"]}

    assert list(overruled(ours, settings)) == []

    (told,) = overruled(ours, settings | {"passwordauthentication": ["yes"]})
    assert told.startswith("PasswordAuthentication is yes by another file")
