"""What programs have in force, as they said it themselves on Debian 13, and programs that were changed."""

import json
from pathlib import Path

import pytest

from tests.unit.twinmx.drifting import manifest, recorded, told
from twinmx.drift import firewall, kernel, postfix, release, rspamd
from twinmx.drift.manifest import Instance


def instance(parameters: str, services: str) -> Instance:
    return Instance(
        parameters=postfix.parse_parameters(parameters), services=postfix.parse_services(services)
    )


def test_postfix_in_force() -> None:
    wanted = instance(recorded("postfix-n.txt"), recorded("postfix-M.txt"))
    parameters = recorded("postfix-n.txt").replace("inet_interfaces = all\n", "")
    services = recorded("postfix-M.txt") + "submission inet n - n - - smtpd\n    -o syslog_name=x\n"
    found = instance(f"{parameters}mynetworks = 0.0.0.0/0\nsoft_bounce = yes\n", services)

    assert told(postfix.judge("/etc/postfix", wanted, wanted)) == {}
    assert told(postfix.judge("/etc/postfix", wanted, found)) == {
        "postfix:/etc/postfix/main.cf inet_interfaces": "not in force: all",
        "postfix:/etc/postfix/main.cf mynetworks": "0.0.0.0/0 instead of ",
        "postfix:/etc/postfix/main.cf soft_bounce": "not ours: yes",
        "postfix:/etc/postfix/master.cf submission inet": "not ours: n - n - - smtpd -o syslog_name=x",
    }


def test_continued_lines_and_comments_of_main_cf() -> None:
    text = "# a comment\na = 1,\n  # within\n\n    2\nb=\n"

    assert postfix.parse_parameters(text) == {"a": "1, 2", "b": ""}


def test_what_postconf_adds_by_itself_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"-n": recorded("postfix-out-n.txt"), "-M": recorded("postfix-out-M.txt")}
    assert "config_directory = /etc/postfix-out" in said["-n"]
    wanted = instance(said["-n"].replace("config_directory = /etc/postfix-out\n", ""), said["-M"])
    monkeypatch.setattr(postfix, "run", lambda *words: said[words[-1]])

    assert told(postfix.check(manifest(postfix={"/etc/postfix-out": wanted}))) == {}


def test_rspamd_in_force() -> None:
    dump = json.loads(recorded("rspamd.json"))
    wanted = manifest(
        rspamd={
            "actions.reject": 15.0,
            "worker.normal.bind_socket": "/run/rspamd/scan.sock mode=0660",
            "worker.fuzzy.enabled": False,
            "rbl.enabled": True,
        }
    )

    assert told(rspamd.judge(wanted, dump)) == {}
    dump["actions"]["reject"] = 99.0
    del dump["rbl"]
    assert told(rspamd.judge(wanted, dump)) == {
        "rspamd:actions.reject": "99.0 instead of 15.0",
        "rspamd:rbl.enabled": "nothing instead of true",
    }


def test_kernel_settings_in_force() -> None:
    wanted = manifest(kernel={"net.ipv4.tcp_syncookies": "1", "kernel.no_such": "1"})

    assert told(kernel.judge(wanted, {"net.ipv4.tcp_syncookies": "0", "kernel.no_such": None})) == {
        "kernel:net.ipv4.tcp_syncookies": "0 instead of 1",
        "kernel:kernel.no_such": "no such setting instead of 1",
    }


def test_rules_of_the_packet_filter_in_force() -> None:
    ours = recorded("nft.txt")
    added = ours.replace("tcp dport 25 accept\n", "tcp dport 25 accept\n\t\ttcp dport 4444 accept\n")
    swapped = ours.replace("ct state invalid drop", "@").replace('iif "lo" accept', "ct state invalid drop")

    assert told(firewall.judge("inet twinmx", ours, ours)) == {}
    assert told(firewall.judge("inet twinmx", ours, added)) == {
        "firewall:inet twinmx": "in force and not ours: tcp dport 4444 accept"
    }
    assert told(firewall.judge("inet twinmx", added, ours)) == {
        "firewall:inet twinmx": "not in force: tcp dport 4444 accept"
    }
    in_order = swapped.replace("@", 'iif "lo" accept')
    assert told(firewall.judge("inet twinmx", ours, in_order)) == {
        "firewall:inet twinmx": "its rules are in another order, or repeated"
    }


def test_programs_that_are_not_as_they_were_installed(tmp_path: Path) -> None:
    digest = "sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE"  # of "x"
    (tmp_path / "twinmx").mkdir()
    (tmp_path / "twinmx-1.dist-info").mkdir()
    (tmp_path / "twinmx" / "a.py").write_text("x")
    (tmp_path / "twinmx-1.dist-info" / "RECORD").write_text(
        f"twinmx/a.py,{digest},1\ntwinmx/b.py,{digest},1\ntwinmx/c.pyc,,\n"
    )

    gone = {f"release:{tmp_path}/twinmx/b.py": "it is missing"}
    assert told(release.judge(tmp_path)) == gone
    (tmp_path / "twinmx" / "a.py").write_text("y")
    (tmp_path / "evil.pth").write_text("import os")
    assert told(release.judge(tmp_path)) == gone | {
        f"release:{tmp_path}/twinmx/a.py": "its content differs",
        f"release:{tmp_path}/evil.pth": "no package has put it there",
    }
