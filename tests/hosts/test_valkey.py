"""Valkey, asked over its socket by those who may and those who may not."""

import shlex

import pytest

from inventory.secrets import Secrets
from tests.hosts.asking import Host, exposure, listening

pytestmark = pytest.mark.role("valkey")

SOCKET = "/run/valkey/valkey.sock"


def ask(host: Host, *commands: str) -> list[str]:
    """The replies to `commands` in one session."""
    said = "".join(f"{command}\n" for command in commands)
    return list(host.run(f"printf %s {shlex.quote(said)} | valkey-cli -s {SOCKET} 2>&1").stdout.splitlines())


@pytest.fixture
def login(secrets: Secrets) -> str:
    return f"AUTH twinmx {secrets.valkey_password.get_secret_value()}"


def test_it_has_no_port_at_all(host: Host) -> None:
    assert 6379 not in {port for _, port in listening(host)}
    assert f" {SOCKET} " in host.check_output("ss -Hxln")


def test_nobody_comes_in_without_the_password(host: Host) -> None:
    assert "NOAUTH" in ask(host, "PING")[0]
    for guess in ("AUTH default", "AUTH default default", "AUTH twinmx twinmx"):
        assert "OK" not in ask(host, guess)[0]


def test_users_outside_the_group_cannot_open_the_socket(host: Host) -> None:
    refused = host.run(f"setpriv --reuid nobody --clear-groups valkey-cli -s {SOCKET} PING 2>&1")

    assert "Permission denied" in refused.stdout


def test_the_programs_count(host: Host, login: str) -> None:
    answers = ask(host, login, "SET twinmx:test 7 PX 1000", "INCR twinmx:test", "DEL twinmx:test")

    assert answers[:3] == ["OK", "OK", "8"]


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET maxmemory",
        "KEYS *",
        "SHUTDOWN NOSAVE",
        "ACL LIST",
        "SET other:key 1",
    ],
)
def test_the_programs_do_nothing_else(host: Host, login: str, command: str) -> None:
    assert "NOPERM" in ask(host, login, command)[1]


def test_its_memory_is_bounded(host: Host, login: str) -> None:
    answers = ask(host, login, "INFO memory")

    assert "maxmemory:134217728" in answers
    assert "maxmemory_policy:volatile-ttl" in answers


def test_nothing_is_written_to_disk(host: Host) -> None:
    assert host.run("ls /var/lib/valkey/*.rdb /var/lib/valkey/appendonlydir").stdout == ""


def test_it_is_hardened(host: Host) -> None:
    assert exposure(host, "valkey-server.service") <= 1.5
