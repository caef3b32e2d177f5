"""What somebody changed on a host: files, packages, units, sockets, what is nobody's, who may become root."""

import hashlib
from pathlib import Path

import pytest

from tests.unit.twinmx.drifting import manifest, told
from twinmx.drift import files, logins, packages, places, sockets, units
from twinmx.drift.manifest import Place

STATE = {"kind": "file", "mode": "0400", "user": "root", "group": "root", "sha256": "aa"}


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        (None, "it is missing"),
        (STATE | {"sha256": "bb"}, "its content differs"),
        (STATE | {"mode": "0644"}, "mode 0644 instead of 0400"),
        (
            STATE | {"user": "nobody", "group": "mail"},
            "user nobody instead of root, group mail instead of root",
        ),
        ({"kind": "link", "target": "/tmp/x"}, "it is another kind of file"),
    ],
)
def test_a_managed_file_that_differs(seen: dict[str, str] | None, problem: str) -> None:
    wanted = manifest(files={"/etc/x": STATE}, absent=["/etc/gone"])

    assert told(files.judge(wanted, {"/etc/x": STATE})) == {}
    assert told(files.judge(wanted, {"/etc/x": seen})) == {"file:/etc/x": problem}
    assert told(files.judge(wanted, {"/etc/x": STATE, "/etc/gone": STATE})) == {
        "file:/etc/gone": "it is back"
    }


def test_a_link_that_leads_elsewhere() -> None:
    wanted = manifest(files={"/usr/local/bin/mxctl": {"kind": "link", "target": "/opt/a"}})
    seen = {"/usr/local/bin/mxctl": {"kind": "link", "target": "/tmp/b"}}

    assert told(files.judge(wanted, seen)) == {"file:/usr/local/bin/mxctl": "target /tmp/b instead of /opt/a"}


def test_files_are_described_as_the_manifest_has_them(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("x")
    file.chmod(0o640)
    link.symlink_to(file)

    described = files.describe(str(file))

    assert described is not None
    assert (described["kind"], described["mode"]) == ("file", "0640")
    assert described["sha256"] == hashlib.sha256(b"x").hexdigest()
    assert files.describe(str(link)) == {"kind": "link", "target": str(file)}
    assert files.describe(f"{file}/below") is None


POLICY = """\
postfix:
  Installed: 3.10.13-0+deb13u1
  Candidate: 3.10.13-0+deb13u1
  Version table:
 *** 3.10.13-0+deb13u1 500
        500 http://mirror.example/debian trixie/main amd64 Packages
        100 /var/lib/dpkg/status
rspamd:
  Installed: 9.9-1
  Candidate: 9.9-1
  Version table:
 *** 9.9-1 100
        100 /var/lib/dpkg/status
     3.12.1-1 500
        500 http://mirror.example/debian trixie/main amd64 Packages
curl:
  Installed: 8.14.1-1
  Candidate: 8.14.1-2
  Version table:
     8.14.1-2 500
        500 http://mirror.example/debian trixie/main amd64 Packages
 *** 8.14.1-1 100
        100 /var/lib/dpkg/status
nftables:
  Installed: (none)
  Candidate: 1.1.3-1
  Version table:
     1.1.3-1 500
        500 http://mirror.example/debian trixie/main amd64 Packages
"""


def test_packages_that_are_missing_held_old_or_from_nowhere() -> None:
    wanted = manifest(packages={"postfix": "3.10.13", "rspamd": None, "curl": None, "nftables": None})
    seen = packages.parse_policy(POLICY)

    assert told(packages.judge(wanted, seen, set(), set())) == {
        "package:rspamd": "no mirror offers 9.9-1",
        "package:nftables": "it is not installed",
    }
    assert told(packages.judge(wanted, seen, {"curl"}, {"postfix"})).items() >= {
        ("package:curl", "it is held: no update reaches it"),
        ("package:postfix", "3.10.13-0+deb13u1 is older than 3.10.13"),
    }


def test_without_lists_of_a_mirror_no_package_is_from_nowhere() -> None:
    local = [line for line in POLICY.splitlines() if "mirror" not in line]
    seen = packages.parse_policy("\n".join(local))

    assert told(packages.judge(manifest(packages={"rspamd": None}), seen, set(), set())) == {}


SHOWN = """\
Id=rspamd.service
LoadState=loaded
ActiveState={active}
UnitFileState={file}
NeedDaemonReload={reload}
FragmentPath=/usr/lib/systemd/system/rspamd.service
DropInPaths=/etc/systemd/system/rspamd.service.d/twinmx.conf /run/systemd/system/rspamd.service.d/x.conf

Id=drift.timer
LoadState=loaded
ActiveState=active
UnitFileState=enabled
NeedDaemonReload=no
FragmentPath=/etc/systemd/system/drift.timer
DropInPaths=
"""


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"active": "failed"}, "it is failed"),
        ({"file": "disabled"}, "it does not start at boot: disabled"),
        ({"reload": "yes"}, "its files were changed after it was loaded"),
    ],
)
def test_units_in_another_state(changes: dict[str, str], problem: str | None) -> None:
    wanted = manifest(
        units={name: {"active": True, "at_boot": True} for name in ("rspamd.service", "drift.timer")}
    )
    text = SHOWN.format(**{"active": "active", "file": "enabled", "reload": "no"} | changes)

    found = told(units.judge(wanted, units.parse_show(text), []))

    assert found == ({"unit:rspamd.service": problem} if problem else {})


@pytest.mark.parametrize("load", ["masked", "not-found", "bad-setting"])
def test_a_unit_that_is_not_loaded(load: str) -> None:
    wanted = manifest(units={"spamd.service": {"active": True, "at_boot": True}})
    seen = units.parse_show(f"Id=spamd.service\nLoadState={load}\nActiveState=active\n")

    assert told(units.judge(wanted, seen, [])) == {"unit:spamd.service": f"it is {load}"}


def test_a_drop_in_of_somebody_else() -> None:
    seen = units.parse_show(SHOWN.format(active="active", file="enabled", reload="no"))
    strange = "/run/systemd/system/rspamd.service.d/x.conf"

    assert strange in units.files_of(seen["rspamd.service"])
    assert told(units.judge(manifest(), seen, [strange])) == {
        f"unit:{strange}": "not ours, and rspamd.service is loaded from it"
    }


TCP = """\
LISTEN 0 100 0.0.0.0:25 0.0.0.0:* ino:1 sk:1 cgroup:/ <->
LISTEN 0 100 [::]:25 [::]:* ino:2 sk:2 v6only:1 <->
LISTEN 0 128 127.0.0.1:783 0.0.0.0:* uid:0 ino:3 sk:3 <->
LISTEN 0 1 198.51.100.11:4444 0.0.0.0:* uid:65534 ino:4 sk:4 <->
"""
UDP = """\
UNCONN 0 0 198.51.100.11%eth0:68 0.0.0.0:* ino:5 sk:5 <->
UNCONN 0 0 0.0.0.0:12345 0.0.0.0:* uid:65534 ino:6 sk:6 <->
UNCONN 0 0 0.0.0.0:41234 0.0.0.0:* uid:65534 ino:7 sk:7 <->
"""


def test_sockets_that_nobody_asked_for_and_that_are_missing() -> None:
    seen = sockets.parse("tcp", TCP, 1 << 16) | sockets.parse("udp", UDP, 32768)
    wanted = manifest(
        sockets=["tcp *:25", "tcp 127.0.0.1:783", "tcp 127.0.0.1:20381"], ignored=["udp *:68 *"]
    )

    assert told(sockets.judge(wanted, seen)) == {
        "socket:tcp 127.0.0.1:20381": "nothing listens there",
        "socket:tcp 198.51.100.11:4444": "a program of nobody listens there, and no role has started it",
        "socket:udp *:12345": "a program of nobody listens there, and no role has started it",
    }
    assert "udp 198.51.100.11:68" in seen, "without its interface"
    of_nobody = manifest(sockets=list(seen), ignored=["udp *:* nobody"])
    assert told(sockets.judge(of_nobody, seen)) == {}


def test_what_is_nobodys_in_a_managed_place(tmp_path: Path) -> None:
    for name in ("ours.service", "packaged.service", "evil.service", "x.service.d/override.conf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    for name, target in (
        ("wants-ours", "ours.service"),
        ("wants-evil", "evil.service"),
        ("masked", "/dev/null"),
        ("left-over", "/usr/lib/systemd/system/removed.service"),
    ):
        (tmp_path / name).symlink_to(target)
    known = {str(tmp_path / name) for name in ("ours.service", "packaged.service")}
    strange = [path for path in places.files_below(tmp_path) if path not in known]
    links = {path: places._target(path) for path in strange if Path(path).is_symlink()}

    found = told(places.judge(Place(path=str(tmp_path), kind="unit"), strange, links, known))

    assert found.keys() == {
        f"unit:{tmp_path}/{name}" for name in ("evil.service", "wants-evil", "x.service.d/override.conf")
    }
    as_cron = told(places.judge(Place(path=str(tmp_path), kind="cron"), strange, links, known))
    assert f"cron:{tmp_path}/masked" in as_cron, "a link is harmless among units alone"


def test_a_file_of_a_package_that_somebody_changed(tmp_path: Path) -> None:
    file = tmp_path / "crontab"
    file.write_text("* * * * * root true\n")
    place = Place(path=str(file), kind="cron")
    as_it_was = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()

    assert places.files_below(file) == [str(file)]
    assert told(places.changed(place, [str(file)], {str(file): as_it_was})) == {}
    assert told(places.changed(place, [str(file)], {str(file): "0"})) == {
        f"cron:{file}": "it is not as its package has brought it"
    }


KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
PRINT = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


def test_accounts_and_keys_that_nobody_named() -> None:
    text = f'# {KEY}\nfrom="198.51.100.1",no-pty ssh-ed25519 {KEY} ada\n'

    assert told(logins.judge_accounts([("root", 0), ("toor", 0), ("ada", 1000)])) == {
        "login:toor": "an account that is root by another name"
    }
    assert logins.fingerprint_of(KEY) == PRINT
    assert told(logins.judge_keys("/root/.ssh/authorized_keys", text, [PRINT])) == {}
    assert told(logins.judge_keys("/root/.ssh/authorized_keys", text, [])) == {
        f"login:/root/.ssh/authorized_keys {PRINT}": f"a key that the inventory does not name: {PRINT}"
    }
