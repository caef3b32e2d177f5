"""What a host keeps of itself before a converge, and that a rollback makes it that again."""

import os
import shutil
from pathlib import Path

import pytest

from tests.unit.roles.kept_host import Host, converged


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_files_links_modes_and_services_are_as_they_were(host: Host) -> None:
    changed, secret, gone = host.put("main.cf", "old"), host.put("key", "old key", 0o400), host.etc / "new.cf"
    removed, link = host.put("removed.cf", "was here"), host.etc / "current"
    (host.etc / "1").mkdir()
    link.symlink_to("1")
    host.apply("postfix", "main.cf")
    host.do("save", changed, secret, gone, removed, link)
    host.put("main.cf", "new")
    secret.unlink()
    host.put("key", "new key", 0o644)
    host.put("new.cf", "new")
    removed.unlink()
    (host.etc / "2").mkdir()
    link.unlink()
    link.symlink_to("2")
    host.apply("postfix", "main.cf")

    host.do("rollback")

    assert [file.read_text() for file in (changed, secret, removed)] == ["old", "old key", "was here"]
    assert oct(secret.stat().st_mode & 0o777) == "0o400"
    assert not gone.exists()
    assert os.readlink(link) == "1"  # noqa: PTH115
    assert host.starts == ["postfix old"], "it runs with the old files, and was started once"
    assert (host.home / "converged" / "postfix").read_text() == "stamp of old\n", "a converge knows it so"


def test_only_what_was_applied_since_is_applied_again_in_the_order_of_the_roles(host: Host) -> None:
    one, two = host.put("one.cf", "1"), host.put("two.cf", "2")
    host.put("three.cf", "3")
    host.apply("beta", "one.cf", position=4)
    host.apply("alpha", "two.cf", position=9)
    host.apply("other", "three.cf", position=1)
    host.do("save", one, two)
    host.put("one.cf", "1 new")
    host.put("two.cf", "2 new")
    host.apply("beta", "one.cf", position=4)
    (host.home / "converged" / "alpha").unlink()  # its files are in place, and it was not started yet

    host.do("rollback")

    assert host.starts == ["beta 1", "alpha 2"]


def test_what_is_new_is_gone(host: Host) -> None:
    file = host.put("main.cf", "old")
    host.apply("postfix", "main.cf")
    host.do("save", file)
    host.apply("canary", "main.cf")

    host.do("rollback")

    assert sorted(path.name for path in (host.home / "applied").iterdir()) == ["postfix"]
    assert sorted(path.name for path in (host.home / "converged").iterdir()) == ["postfix"]


def test_a_second_try_does_not_take_the_half_done_first_for_the_last_good_state(host: Host) -> None:
    main, master = host.put("main.cf", "good"), host.put("master.cf", "good")
    host.apply("postfix", "main.cf")
    host.do("save", main)
    host.put("main.cf", "bad")
    host.apply("postfix", "main.cf")
    host.do("save", main, master)
    host.put("main.cf", "worse")
    host.put("master.cf", "worse")

    host.do("rollback")

    assert (main.read_text(), master.read_text()) == ("good", "good")


def test_what_was_found_good_is_gone_back_from_once_and_no_further(host: Host) -> None:
    file = host.put("main.cf", "first")
    host.apply("postfix", "main.cf")
    for content in ("second", "third"):
        host.do("save", file)
        host.put("main.cf", content)
        host.apply("postfix", "main.cf")
        host.do("commit")

    host.do("rollback")
    again = host.asked("rollback")

    assert file.read_text() == "second"
    assert again.returncode == 1
    assert "nothing to go back to" in again.stderr


@pytest.mark.parametrize("committed", [True, False])
def test_there_is_no_way_back_to_a_bare_host(host: Host, committed: bool) -> None:
    file = host.etc / "main.cf"
    host.do("save", file)
    host.put("main.cf", "new")
    host.apply("postfix", "main.cf")
    if committed:
        host.do("commit")

    refused = host.asked("rollback")

    assert (refused.returncode, file.read_text()) == (1, "new")
    assert "it was no exchanger" in refused.stderr


def test_nothing_is_touched_where_the_old_release_or_the_old_command_is_gone(host: Host) -> None:
    file, link = host.put("main.cf", "old"), host.etc / "current"
    (host.etc / "1").mkdir()
    link.symlink_to("1")
    host.apply("postfix", "main.cf")
    (host.home / "applied" / "postfix").unlink()
    host.do("save", file, link)
    host.put("main.cf", "new")
    host.apply("postfix", "main.cf")
    shutil.rmtree(host.etc / "1")

    refused = host.asked("rollback")

    assert (refused.returncode, file.read_text()) == (1, "new")
    assert "current led to 1, which is no longer there" in refused.stderr
    assert "nobody wrote down how postfix was applied" in refused.stderr


def test_a_service_that_does_not_come_up_is_named_and_the_others_are_put_back(host: Host) -> None:
    one, two = host.put("one.cf", "1"), host.put("two.cf", "2")
    host.apply("rspamd", "one.cf", position=1, healthy="false")
    host.apply("postfix", "two.cf", position=2)
    host.do("save", one, two)
    for file, service in (("one.cf", "rspamd"), ("two.cf", "postfix")):
        host.put(file, "new")
        host.apply(service, file, position=1)

    refused = host.asked("rollback")

    assert refused.returncode == 1
    assert "rspamd is not healthy" in refused.stderr
    assert "postfix 2" in host.starts
    assert not (host.home / "converged" / "rspamd").exists(), "the next converge starts it anew"
    assert (host.home / "generations" / "pending").exists(), "it can be tried again"


def test_a_converge_that_kept_nothing_does_not_go_back_further_than_it_began(host: Host) -> None:
    file = host.put("main.cf", "first")
    host.apply("postfix", "main.cf")
    converged(host, file, "second")

    refused = host.asked("rollback", failed=True)

    assert (refused.returncode, file.read_text()) == (1, "second")
    assert "nothing to go back to" in refused.stderr


def test_a_look_touches_nothing(host: Host) -> None:
    file = host.put("main.cf", "old")
    assert "nothing to go back to" in host.asked("look").stderr
    host.apply("postfix", "main.cf")
    converged(host, file, "new")

    host.do("look")

    assert file.read_text() == "new"
    assert (host.home / "generations" / "previous").exists()


def test_what_is_kept_is_for_root_alone(host: Host) -> None:
    secret = host.put("key", "swordfish", 0o444)
    host.apply("postfix", "key")
    host.do("save", secret)

    kept = host.home / "generations"
    assert oct(kept.stat().st_mode & 0o777) == "0o700"
    copies = [file for file in kept.rglob("0*") if file.read_text() == "swordfish"]
    assert [oct(file.stat().st_mode & 0o777) for file in copies] == ["0o600"]
