"""The signer on each exchanger: it has the keys, and nobody else has."""

import pytest

from inventory.schema import Exchange
from inventory.secrets import Secrets
from roles.signing import DIRECTORY, KEYS, PROBE, SOCKETS, UNIT
from tests.hosts.asking import Host, caps, comes_back_for_ever, exposure

pytestmark = pytest.mark.role("signing")


def test_it_answers_and_its_own_check_has_nothing_to_say(host: Host) -> None:
    assert host.check_output(f"curl -sf --unix-socket {PROBE} http://rspamd/ping").strip() == "pong"
    checked = host.run(f"rspamadm configtest -c {DIRECTORY}/rspamd.conf")
    assert (checked.rc, checked.stdout.strip(), checked.stderr.strip()) == (0, "syntax OK", "")


def test_the_keys_are_read_by_it_alone(host: Host) -> None:
    for path in KEYS.values():
        assert host.file(path).mode == 0o400
    for user in ("_rspamd", "twinmx", "postfix", "nobody"):
        read = f"setpriv --reuid {user} --clear-groups cat /run/credentials/{UNIT}/rsa.key"
        assert host.run(read).rc != 0, user


@pytest.mark.parametrize("socket", SOCKETS.values())
def test_postfix_alone_may_ask_for_a_signature(host: Host, socket: str) -> None:
    connect = f"python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"{socket}\")'"

    assert host.run(f"setpriv --reuid postfix --regid postfix --clear-groups {connect}").rc == 0
    for user in ("twinmx", "_rspamd", "nobody"):
        assert host.run(f"setpriv --reuid {user} --clear-groups {connect}").rc != 0, user


def test_it_has_the_pair_that_signs(host: Host, secrets: Secrets) -> None:
    name = secrets.dkim_keys[0].name
    said = host.check_output(f"rspamadm configdump -c {DIRECTORY}/rspamd.conf dkim_signing")
    assert f"{name}-rsa" in said
    assert f"{name}-ed25519" in said


def test_it_is_capped_hardened_and_comes_back(host: Host, exchange: Exchange) -> None:
    knobs = exchange.signing

    assert caps(host, UNIT) == (knobs.cpu_percent / 100, knobs.memory_megabytes << 20)
    assert exposure(host, UNIT) <= 2.0
    assert comes_back_for_ever(host, UNIT)
