"""No secret of the lab shows: not in the most talkative converge, and not on a host to other users."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from inventory.schema import Exchanger
from inventory.secrets import Secrets
from lab import ssh
from lab.converging import Pair
from roles.tls import KEY
from roles.valkey import exporter_password
from tests.hosts.asking import Host

pytestmark = pytest.mark.role("lib")

TOUCHED = (
    "/etc/valkey/users.acl",
    "/etc/rspamd/local.d/worker-controller.inc",
    "/etc/twinmx/credentials/srs-keys",
    "/etc/twinmx/credentials/tsig",
    "/etc/twinmx/credentials/valkey-exporter",
    KEY,
)
"""One file of each role that has a secret: given another mode, each is sent again."""

PLACES = "/etc /opt /srv /tmp /usr/local /var /run"
Search = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def values(secrets: Secrets, pair: Pair) -> list[str]:
    """Every secret, the derived one and the lines of the private keys among them."""
    keys = (
        Path(pair.exchange.tls.key.format(fqdn=host.fqdn)).read_text()
        for host in pair.exchange.exchangers.values()
    )
    texts = (*secrets.values, exporter_password(secrets), *keys)
    lines = (line for text in texts for line in text.splitlines())
    return [line for line in lines if "-----" not in line and line.strip("=")]


@pytest.fixture(scope="module")
def search(exchanger: Exchanger, values: list[str]) -> Search:
    """Run a command with a grep in it that reads its patterns, the secrets, from file descriptor 3."""

    def run(command: str) -> list[str]:
        done = subprocess.run(
            ["ssh", "-F", str(ssh.CONFIG), str(exchanger.address), f"cat | {{ {command}; }} 3<&0 </dev/null"],
            input="\n".join(values),  # never in a command line, where the search would find it
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.splitlines()

    return run


@pytest.mark.changes
def test_the_most_talkative_converge_that_sends_them_all_shows_none(
    pair: Pair, host: Host, name: str, values: list[str]
) -> None:
    for path in TOUCHED:
        host.check_output(f"test ! -e {path} || chmod 0600 {path}")

    ran = pair.run(name, options=("-vvv", "--diff"))

    assert ran.status == 0, ran.told
    assert {"valkey | valkey: files", "rspamd | rspamd: files", "failover | failover: files"} <= ran.changed
    assert [value for value in values if value in ran.told] == []


def test_what_holds_one_on_a_host_is_open_to_nobody_else(host: Host, search: Search) -> None:
    found = search(f"grep -rlFI --devices=skip -f /dev/fd/3 {PLACES} 2>/dev/null")

    assert "/etc/twinmx/credentials/srs-keys" in found, "the search finds what is there"
    assert [path for path in found if host.file(path).mode & 0o007] == []


def test_none_is_in_a_log_a_command_line_or_an_environment(search: Search) -> None:
    processes = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"

    assert search("printf '%s\\n' nothing | grep -vF -f /dev/fd/3") == ["nothing"], "the search works"
    assert search("journalctl -q -b | grep -F -f /dev/fd/3") == []
    assert search(f"{processes} | grep -F -f /dev/fd/3") == []
