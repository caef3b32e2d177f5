"""A configuration that its own program refuses changes nothing: not a file, not a process, not a setting."""

import pytest

from inventory.schema import Exchange
from inventory.secrets import Secrets
from lab.converging import Pair
from tests.hosts.asking import Host, main_pid
from tests.hosts.conftest import reached
from tests.hosts.delivering import delivered

pytestmark = [pytest.mark.role("lib"), pytest.mark.changes]

EVERYTHING = "/etc/postfix /etc/postfix-out /etc/rspamd /etc/twinmx"
UNITS = ("postfix.service", "postfix@out.service", "rspamd.service", "forwarder@1.service")


@pytest.fixture
def victim(pair: Pair) -> Host:
    """The exchanger with the least mail."""
    return reached(str(pair.exchange.exchangers[pair.last].address))


def files(host: Host) -> str:
    """A line for every file of the configuration: its content's hash, mode, owner and time of change."""
    return str(
        host.check_output(
            f"find {EVERYTHING} -type f -exec sha256sum {{}} + | sort; "
            f"find {EVERYTHING} -type f -printf '%p %m %u %g %T@ %i\\n' | sort"
        )
    )


@pytest.mark.parametrize(
    ("deploy", "messages"),
    [
        (
            "tests/hosts/deploys/refused_rspamd.py",
            ["rspamd: the candidate was refused by: rspamadm configtest", "local.d/actions.conf"],
        ),
        (
            "tests/hosts/deploys/refused_postfix.py",
            [
                "postfix: the candidate was refused by: ",
                "bad numerical configuration: smtpd_recipient_limit = many",
            ],
        ),
        (
            "tests/hosts/deploys/refused_forwarder.py",
            [
                "forwarder: the candidate was refused by: ",
                "deadline.total_seconds 61 must be less than deadline.postfix_seconds 60",
            ],
        ),
    ],
)
def test_a_refused_value_leaves_the_host_as_it_was(
    pair: Pair, exchange: Exchange, victim: Host, deploy: str, messages: list[str]
) -> None:
    before = files(victim)
    processes = [main_pid(victim, unit) for unit in UNITS]

    ran = pair.run(pair.last, deploy)

    assert ran.status != 0
    for message in (*messages, "Nothing was changed: the files in place and the running service stay"):
        assert message in ran.told
    assert files(victim) == before
    assert [main_pid(victim, unit) for unit in UNITS] == processes
    assert victim.check_output("ls -A /var/lib/twinmx/candidates") == "", "the candidate is gone"
    assert delivered(exchange, exchange.exchangers[pair.last])


def test_no_secret_shows_even_where_pyinfra_prints_every_command(
    pair: Pair, secrets: Secrets, victim: Host
) -> None:
    """A file's content does not travel in a command line."""
    victim.check_output("chmod 600 /etc/valkey/users.acl /etc/rspamd/local.d/worker-controller.inc")
    victim.check_output("chmod 600 /etc/twinmx/credentials/srs-keys")

    ran = pair.run(pair.last, options=("-vvv", "--diff"))

    assert ran.status == 0, ran.told
    assert {"valkey | valkey: files", "rspamd | rspamd: files", "forwarder | forwarder: files"} <= ran.changed
    for secret in (secrets.rspamd_password, secrets.valkey_password, *secrets.srs_keys):
        assert secret.get_secret_value() not in ran.told
