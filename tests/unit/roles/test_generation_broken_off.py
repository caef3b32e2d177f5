"""What a host has kept outlives a full disk, a power cut, and a controller that went away."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.roles.kept_host import PROGRAM, Host, converged


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_way_back_that_fails_in_the_middle_is_where_the_next_converge_goes_back_to(host: Host) -> None:
    file = host.put("main.cf", "first")
    host.apply("postfix", "main.cf", healthy=f"test -e {host.etc}/mended")
    converged(host, file, "second")
    assert host.asked("rollback").returncode == 1
    (host.home / "converged" / "postfix").unlink(missing_ok=True)

    host.do("save", file)
    host.put("main.cf", "third")
    host.apply("postfix", "main.cf")
    host.put("mended", "")
    host.do("rollback")

    assert file.read_text() == "first"
    assert host.starts[-1] == "postfix first", "as it was started then, not as it was left"


def test_what_could_not_be_kept_for_want_of_space_leaves_what_was_kept(host: Host) -> None:
    main, big = host.put("main.cf", "good"), host.put("big", "x" * 100_000)
    host.apply("postfix", "main.cf")
    host.do("save", main)
    host.put("main.cf", "bad")
    limited = PROGRAM.read_text().replace(
        "sys.exit(main())",
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\nsys.exit(main())",
    )
    question = {"act": "save", "home": str(host.home), "paths": [str(main), str(big)]}
    refused = subprocess.run(
        [sys.executable, "-c", limited],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1, "a sentence, not a traceback"
    host.do("rollback")
    assert main.read_text() == "good"


def test_a_power_cut_while_more_is_kept_leaves_what_was_kept(host: Host) -> None:
    main, master = host.put("main.cf", "good"), host.put("master.cf", "good")
    host.apply("postfix", "main.cf")
    host.do("save", main)
    host.put("main.cf", "bad")
    cut = "Path.rename = lambda *_: os._exit(9)\nsys.exit(main())"
    program = PROGRAM.read_text().replace("sys.exit(main())", cut)
    question = {"act": "save", "home": str(host.home), "paths": [str(main), str(master)]}
    words = [sys.executable, "-c", program]
    assert subprocess.run(words, input=json.dumps(question), text=True, check=False).returncode == 9

    host.do("save", main, master)
    host.do("rollback")

    assert main.read_text() == "good"


def test_a_name_that_a_full_disk_left_empty_does_not_stand_in_the_way_back(host: Host) -> None:
    file = host.put("main.cf", "old")
    host.apply("postfix", "main.cf")
    host.do("save", file)
    host.put("main.cf", "new")
    (host.home / "applied" / "canary").write_text("")

    host.do("rollback")

    assert file.read_text() == "old"


def test_what_is_put_back_is_complete_though_nobody_hears_of_it_any_more(host: Host) -> None:
    """The controller is cut off while more is told than a pipe takes in one go."""
    files = [host.put(f"{number:03}-{'x' * 100}.cf", "old") for number in range(100)]
    host.apply("postfix", files[0].name)
    host.do("save", *files)
    for file in files:
        file.write_text("new")
    host.apply("postfix", files[0].name)
    question = {"act": "rollback", "home": str(host.home), "failed": True}
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        subprocess.run(
            [sys.executable, "-c", PROGRAM.read_text()],
            input=json.dumps(question),
            stdout=nobody,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )

    assert {file.read_text() for file in files} == {"old"}
    assert host.starts[-1] == "postfix old"


def test_two_do_not_work_on_it_at_once(host: Host) -> None:
    file = host.put("main.cf", "old")
    host.apply("postfix", "main.cf")
    host.do("save", file)
    at_work = os.open(host.home / "generations", os.O_RDONLY)
    fcntl.flock(at_work, fcntl.LOCK_EX)

    refused = host.asked("save", file)
    os.close(at_work)

    assert refused.returncode == 1
    assert "still at work" in refused.stderr
