"""A host that is not reached is told with what mends it."""

import json
import subprocess
from collections.abc import Sequence

import pytest
from typer.testing import CliRunner

from controller import pyinfra
from controller.cli import app
from controller.reaching import with_way_out
from controller.remote import UNREACHED, Answer

GREENLET = (
    "--> Disconnecting from hosts...\n"
    "--> pyinfra error in src/gevent/greenlet.py line 912: No such private key file: ~/.ssh/id_ed25519\n\n"
)


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (
            "SSH error (StrictPolicy: No host key for [192.0.2.11]:22 found in known_hosts)",
            "log in once by ssh",
        ),
        (
            "No ED25519 host key is known for 192.0.2.11 and you have requested strict checking.",
            "log in once",
        ),
        ("SSH host key error (Host key for 192.0.2.11 does not match.)", "`ssh-keygen -R ADDRESS`"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "-R ADDRESS"),
        ("Authentication error (username=root, key=k) (Authentication failed.)", "ssh-copy-id"),
        ("root@192.0.2.11: Permission denied (publickey).", "ssh-copy-id"),
        ("Could not connect ([Errno None] Unable to connect to port 22 on 192.0.2.11)", "is it up"),
        ("ssh: connect to host 192.0.2.11 port 22: No route to host\n", "is it up"),
    ],
)
def test_each_way_not_to_be_let_in_names_its_way_out(words: str, mend: str) -> None:
    told = with_way_out(words)

    said, _, way_out = told.partition("; ")
    assert said == words.rstrip(". \n")
    assert mend in way_out


def test_what_a_command_on_a_host_says_stays_as_it_is() -> None:
    words = "bash: /etc/shadow: Permission denied\n"

    assert with_way_out(words) == words
    assert Answer(1, "", "ssh: connect to host peer port 22: refused").said.endswith("refused")
    assert "is it up" in Answer(UNREACHED, "", "ssh: connect to host peer port 22: refused").said


def test_a_key_that_is_not_there_is_one_sentence_and_no_traceback() -> None:
    told = pyinfra.complaint(f"Traceback (most recent call last):\n{GREENLET}")

    assert told.startswith("No such private key file: ~/.ssh/id_ed25519; ssh_key in the inventory names it")
    assert "\n" not in told


def test_words_below_the_last_heading_are_the_complaint() -> None:
    assert pyinfra.complaint("--> Loading inventory...\n    lab.yml:3: no\n") == "lab.yml:3: no"


@pytest.mark.parametrize(
    ("failed", "errors", "status", "says"),
    [
        ([], 0, 0, "changed 0, failed 0, unchanged 7"),
        (["mx1", "mx2"], 0, 1, "not converged: mx1, mx2; `twinmx plan` says why"),
        (["mx1"], 1, 1, "changed 0, failed 1, unchanged 7"),
    ],
    ids=["nothing to do", "not reached", "an operation failed"],
)
def test_unchanged_is_not_said_of_hosts_that_were_not_reached(
    monkeypatch: pytest.MonkeyPatch, failed: list[str], errors: int, status: int, says: str
) -> None:
    totals = {"hosts": 2, "success": 0, "error": errors, "no_change": 7}
    printed = json.dumps({"results": {"totals": totals, "failed_hosts": failed}})

    def ran(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(arguments, 1 if failed else 0, printed, "")

    monkeypatch.setattr(pyinfra, "quiet", ran)

    done = CliRunner().invoke(app, ["unchanged", "inventory/lab.py"])

    assert (done.exit_code, says in done.output) == (status, True), done.output


def test_the_facts_file_is_no_inventory() -> None:
    done = CliRunner().invoke(app, ["plan", "inventory/production.yml"])

    assert done.exit_code == 1
    assert "allowed: the .py file" in done.output
