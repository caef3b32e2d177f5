"""Valkey, asked over its socket by those who may and those who may not, and by the programs' own scripts."""

import hashlib
import json
import shlex
import uuid

import pytest

from inventory.secrets import Secrets
from roles.valkey import PASSWORD, SOCKET
from tests.hosts.asking import Host, exposure, listening, run_python
from twinmx.limits import scripts

pytestmark = pytest.mark.role("valkey")

RELEASE_PYTHON = "/opt/twinmx/current/bin/python"
# A worker's limiter with a name of its own, which goes through what Valkey may do to it.
WORKER = """
import asyncio, json, signal, subprocess, uuid
from pathlib import Path
from prometheus_client import CollectorRegistry
from twinmx.limits.limiter import Limiter
from twinmx.limits.settings import SETTINGS, LimitsFile, Window
from twinmx.program.settings import load_settings

def told(pid, number):
    return subprocess.run(["kill", f"-{number}", pid], check=True)

async def main():
    limits = load_settings(SETTINGS, LimitsFile).limits
    patient = limits.valkey.model_copy(update={"wait_seconds": 1.0})  # a busy lab is no dead Valkey
    limits = limits.model_copy(update={"alias": Window(count=3, window_seconds=60), "valkey": patient})
    registry = CollectorRegistry()
    limiter = Limiter(limits, Path("%(password)s").read_text().strip(), registry)
    name = uuid.uuid4().hex
    def metric(name, **labels):
        return registry.get_sample_value(name, labels) or 0
    async def admit(alias):
        return await limiter.admit(alias, [f"{name}@mailbox.example"], account="test", sender="")
    async def until(local):
        async with asyncio.timeout(30):
            while metric("twinmx_limits_local") != local:
                await asyncio.sleep(0.05)
    seen = {"well": [(await admit(name)).over for _ in range(2)]}
    given_back = await admit(name)
    await limiter.release(given_back)
    seen["given back"] = [(await admit(name)).over for _ in range(2)]
    seen["by valkey"] = metric("twinmx_limits_decisions_total", outcome="allowed", by="valkey")
    pid = subprocess.check_output(["systemctl", "show", "-P", "MainPID", "valkey-server"], text=True).strip()
    told(pid, signal.SIGSTOP)
    try:
        seen["flood while frozen"] = (await admit(name)).over
        seen["others while frozen"] = [(await admit(f"{name}-{number}")).over for number in range(300)]
        seen["timeouts"] = metric("twinmx_limits_failures_total", cause="TimeoutError")
    finally:
        told(pid, signal.SIGCONT)
    await until(0)
    seen["after it"] = (await admit(name)).over
    told(pid, signal.SIGKILL)
    seen["while dead"] = [(await admit(f"{name}-dead-{number}")).over for number in range(3)]
    await until(1)
    await until(0)
    seen["anew"] = (await admit(f"{name}-anew")).over
    await limiter.close()
    print(json.dumps(seen))

asyncio.run(main())
"""


def ask(host: Host, *commands: str) -> list[str]:
    """The replies to `commands` in one session."""
    said = "".join(f"{command}\n" for command in commands)
    return list(host.run(f"printf %s {shlex.quote(said)} | valkey-cli -s {SOCKET} 2>&1").stdout.splitlines())


def load(script: str) -> str:
    """The command that makes a script known (the quotes of valkey-cli are those of JSON)."""
    return f"SCRIPT LOAD {json.dumps(script)}"


def sha1(script: str) -> str:
    return hashlib.sha1(script.encode()).hexdigest()


@pytest.fixture
def login(secrets: Secrets) -> str:
    return f"AUTH twinmx {secrets.valkey_password.get_secret_value()}"


def test_it_has_no_port_at_all(host: Host) -> None:
    assert not {6379, 20384, 20385} & {port for _, port in listening(host)}
    assert f" {SOCKET} " in host.check_output("ss -Hxln")


def test_nobody_comes_in_without_the_password(host: Host) -> None:
    assert "NOAUTH" in ask(host, "PING")[0]
    for guess in ("AUTH default", "AUTH default default", "AUTH twinmx twinmx"):
        assert "OK" not in ask(host, guess)[0]


def test_users_outside_the_group_cannot_open_the_socket(host: Host) -> None:
    refused = host.run(f"setpriv --reuid nobody --clear-groups valkey-cli -s {SOCKET} PING 2>&1")

    assert "Permission denied" in refused.stdout


def test_only_root_reads_the_password_and_it_is_the_right_one(host: Host, login: str) -> None:
    file = host.file(PASSWORD)

    assert (file.user, file.mode) == ("root", 0o400)
    assert login == f"AUTH twinmx {file.content_string.strip()}"


def test_the_scripts_count_and_take_back(host: Host, login: str) -> None:
    keys = f"twinmx:test:{uuid.uuid4().hex}:a twinmx:test:{uuid.uuid4().hex}:m"
    admit = f"EVALSHA {sha1(scripts.ADMIT)} 2 {keys} 2 60000000 9 60000000"
    loaded = [load(scripts.ADMIT), load(scripts.TAKE_BACK)]
    _, *known, first, stamp, second, _, third, _ = ask(host, login, *loaded, admit, admit, admit)

    assert known == [sha1(scripts.ADMIT), sha1(scripts.TAKE_BACK)]
    assert (first, second, third) == ("0", "0", "1")

    back = f"EVALSHA {sha1(scripts.TAKE_BACK)} 2 {keys} {stamp}"
    _, *answers = ask(host, login, back, admit, admit)
    assert [answer for answer in answers if answer][::2] == ["0", "1"]


def test_the_statistics_are_added_up(host: Host, login: str) -> None:
    bucket = f"twinmx:test:{uuid.uuid4().hex}"
    add = f"EVALSHA {sha1(scripts.ADD_UP)} 1 {bucket} 2 5 +a 1 -a 2 +b 3 -c 4 +a 5"
    answers = ask(host, login, load(scripts.ADD_UP), add, f"HGETALL {bucket}")[2:]

    assert [answer for answer in answers if answer] == ["+a", "6", "-a", "2", "+", "3", "-", "4"]


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET maxmemory",
        "KEYS *",
        "SCAN 0",
        "SHUTDOWN NOSAVE",
        "ACL LIST",
        "SCRIPT FLUSH",
        "FUNCTION FLUSH",
        "EVAL 'return 1' 0",
        "MONITOR",
        "SUBSCRIBE twinmx:a",
        "SET twinmx:key 1",
        "HGETALL other:key",
        f"EVALSHA {sha1(scripts.ADMIT)} 1 other:key 1 1",
    ],
)
def test_the_programs_do_nothing_else(host: Host, login: str, command: str) -> None:
    assert "NOPERM" in ask(host, login, load(scripts.ADMIT), command)[2]


def test_its_memory_is_bounded(host: Host, login: str) -> None:
    answers = ask(host, login, "INFO memory")

    assert "maxmemory:134217728" in answers
    assert "maxmemory_policy:volatile-ttl" in answers


def test_nothing_is_written_to_disk(host: Host) -> None:
    assert host.run("ls /var/lib/valkey/*.rdb /var/lib/valkey/appendonlydir").stdout == ""


def test_it_is_hardened(host: Host) -> None:
    assert exposure(host, "valkey-server.service") <= 1.5


@pytest.mark.changes
def test_a_worker_goes_on_counting_while_valkey_is_frozen_or_dead(host: Host) -> None:
    told = run_python(host, WORKER % {"password": PASSWORD}, RELEASE_PYTHON)
    seen = json.loads(told.splitlines()[-1])

    assert seen["well"] == [None, None]
    assert seen["given back"] == [None, "alias"]
    assert seen["by valkey"] == 4
    assert seen["flood while frozen"] == "alias", "it is remembered by the worker itself"
    assert seen["others while frozen"] == [None] * 300
    assert seen["timeouts"] <= 5, "one message waits, and the probes of the seconds that this takes"
    assert seen["after it"] == "alias"
    assert seen["while dead"] == [None] * 3
    assert seen["anew"] is None
