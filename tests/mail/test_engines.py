"""The real engines get ill in every way they can, and mail goes on: in time, once each, and marked.

What a stopped engine does is in test_failures.py. Orders are given with mxctl, as an operator gives them.
"""

import re
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import cycle

import pytest

from lab import ssh
from lab.mailbox import Mailboxes, new_token
from lab.probe import VERDICT_FIELD, parse_verdict
from lab.settings import LAB
from lab.waiting import until
from roles import rspamd
from roles.lib import ports
from tests.mail.dialogue import deliver
from tests.mail.exchangers import frozen, stopped
from tests.mail.letters import PLAIN, letter
from tests.systemd import kill

HOST = LAB.hosts[0]
ALIASES = cycle(f"load{number:02}@alias.example" for number in range(1, 36))
"""Many, since Postfix sends at most 4 messages for one alias to the forwarder at once."""

TOTAL_SECONDS = 15
RSPAMD_SECONDS = 4
SPAMASSASSIN_SECONDS = 8
"""As in the inventory: `spam.total_seconds`, and the budget of each engine."""

AT_ONCE = 0.5
BURST = 20
RECOVERY_SECONDS = 60
PORTS = f"({ports.METRICS_BASE // 10}[0-9]|{ports.GATE_METRICS_BASE // 10}[0-9])"
METRICS = f"""for at in $(ss -Hltn | awk '{{print $4}}' | grep -E ':{PORTS}$'); do
  curl --silent --fail --max-time 2 http://$at/metrics | grep '^twinmx_spam_breaker_state' || exit 1
done"""
STATE = re.compile(r'engine="(\w+)"} (\d)')
CLOSED, OPEN, HALF_OPEN = 0, 1, 2

BUSY_RULE = "/etc/spamassassin/zz-busy.cf"
BUSY_WORDS = b"a" * 200 + b"\r\n"

FAKE = """
import os, socketserver, time
class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        length = 0
        while (line := self.rfile.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.rfile.read(length)
        time.sleep({seconds})
        body = {body!r}
        self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (len(body), body))
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
os.umask(0)
os.makedirs(os.path.dirname({path!r}), exist_ok=True)
if os.path.exists({path!r}):
    os.unlink({path!r})
Server({path!r}, Talk).serve_forever()
"""


def states(engine: str) -> set[int]:
    """The states of the breakers for `engine` in all programs of the host."""
    return {int(state) for name, state in STATE.findall(ssh.on(HOST, METRICS)) if name == engine}


def wait_until_closed() -> None:
    """Every breaker closes, and nobody sends a message for that."""
    until(
        lambda: states("rspamd") == states("spamassassin") == {CLOSED},
        RECOVERY_SECONDS,
        "all breakers closed by themselves",
    )


@pytest.fixture(autouse=True)
def well() -> Iterator[None]:
    wait_until_closed()
    yield
    wait_until_closed()


def ordered(act: str, engine: str, *options: str) -> AbstractContextManager[None]:
    """Have `mxctl engine` give an order, and take it back."""
    order = f"mxctl engine {act} {engine} --for 10m --reason test {' '.join(options)}"
    return ssh.meanwhile(HOST, order, f"mxctl engine clear {engine}")


@contextmanager
def busy_rule() -> Iterator[None]:
    """Give SpamAssassin a rule that takes half a minute of CPU for a line of `BUSY_WORDS`."""
    rule = r"rawbody TWINMX_BUSY /^(.*)(.*)(.*)(.*)(.*)\d\d$/"
    put = f"echo {shlex.quote(rule)} > {BUSY_RULE} && systemctl restart spamd"
    with ssh.meanwhile(HOST, put, f"rm -f {BUSY_RULE} && systemctl restart spamd"):
        until(
            lambda: "well" in ssh.on(HOST, "timeout 2 spamc -K && echo well || true"),
            30,
            "spamd with the rule",
        )
        yield


@contextmanager
def in_place_of_rspamd(body: bytes, seconds: float = 0.0) -> Iterator[None]:
    """Have a listener of the test's own at Rspamd's socket: the real one cannot be made to answer so."""
    program = FAKE.format(path=rspamd.SCAN_SOCKET, body=body, seconds=seconds)
    start = f"systemd-run --quiet --unit fake-rspamd python3 -c {shlex.quote(program)}"
    stop = f"systemctl stop fake-rspamd; rm -f {rspamd.SCAN_SOCKET}"
    with stopped([HOST], "rspamd.service"), ssh.meanwhile(HOST, start, stop):
        until(lambda: ssh.on(HOST, f"test -S {rspamd.SCAN_SOCKET} && echo there || true"), 10, "the listener")
        yield


def verdict(mailboxes: Mailboxes, token: str) -> dict[str, str]:
    """What the one message with `token` carries."""
    arrived = mailboxes.wait(token, seconds=TOTAL_SECONDS + 30)
    return parse_verdict(arrived.field(VERDICT_FIELD))


def send(body: bytes = PLAIN) -> str:
    token = new_token()
    deliver(HOST, letter(token, body), next(ALIASES))
    return token


def send_many(mailboxes: Mailboxes, count: int = BURST, body: bytes = PLAIN) -> list[dict[str, str]]:
    """Send at the same time; the verdicts of what arrives, each once."""
    with ThreadPoolExecutor(count) as threads:
        tokens = list(threads.map(lambda _: send(body), range(count)))
    seen = [verdict(mailboxes, token) for token in tokens]
    assert all(len(mailboxes.find(token)) == 1 for token in tokens)
    return seen


def send_until_quick(
    mailboxes: Mailboxes, seconds: float
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Send burst after burst until all of one have a verdict within `seconds`; those before it, and that one.

    Each worker counts for itself, so it may take several, in which fewer and fewer wait.
    """
    before: list[dict[str, str]] = []
    for _ in range(8):
        seen = send_many(mailboxes)
        if max(seconds_of(seen)) < seconds:
            return before, seen
        before += seen
    raise AssertionError("the breakers did not open")


def seconds_of(seen: list[dict[str, str]]) -> list[float]:
    return [float(each["seconds"]) for each in seen]


def test_a_silent_spamassassin_is_joined_by_rspamd(mailboxes: Mailboxes) -> None:
    """SIGSTOP: it accepts and keeps silent, as in August 2020."""
    with ordered("use", "spamassassin"), frozen(HOST, "spamd.service"):
        seen = verdict(mailboxes, send())

    assert seen["engine"] == "rspamd"
    assert SPAMASSASSIN_SECONDS <= float(seen["seconds"]) < TOTAL_SECONDS


def test_a_killed_spamassassin_is_followed_at_once_and_comes_back(mailboxes: Mailboxes) -> None:
    with ordered("use", "spamassassin"):
        kill(HOST, "spamd.service", whom="all")
        seen = send_many(mailboxes, 5)
        assert "none" not in {each["engine"] for each in seen}
        assert max(seconds_of(seen)) < SPAMASSASSIN_SECONDS
        until(lambda: verdict(mailboxes, send())["engine"] == "spamassassin", RECOVERY_SECONDS, "it is back")


def test_a_spamassassin_that_takes_all_the_cpu_is_joined_by_rspamd(mailboxes: Mailboxes) -> None:
    """As in August 2020. All its children are busy, so an innocent message meets no free one either."""
    with busy_rule(), ordered("use", "spamassassin"), ThreadPoolExecutor(2) as threads:
        busy = threads.submit(send_many, mailboxes, 5, BUSY_WORDS)
        innocent = threads.submit(send_many, mailboxes, 5)
        seen = busy.result()
        others = innocent.result()

    assert {each["engine"] for each in seen} == {"rspamd"}
    assert {each["engine"] for each in others} <= {"rspamd", "spamassassin"}
    assert max(seconds_of(seen + others)) < TOTAL_SECONDS


def test_a_frozen_rspamd_costs_its_budget_until_the_breakers_open(mailboxes: Mailboxes) -> None:
    with frozen(HOST, "rspamd.service"):
        before, after = send_until_quick(mailboxes, RSPAMD_SECONDS)
        assert states("rspamd") & {OPEN, HALF_OPEN}

    assert max(seconds_of(before)) < TOTAL_SECONDS
    assert {each["engine"] for each in before + after} == {"spamassassin"}

    wait_until_closed()
    assert verdict(mailboxes, send())["engine"] == "rspamd"


def test_with_all_frozen_nobody_waits_past_the_deadline_and_soon_nobody_waits(mailboxes: Mailboxes) -> None:
    with frozen(HOST, "rspamd.service", "spamd.service"):
        before, after = send_until_quick(mailboxes, AT_ONCE)

    assert {each["engine"] for each in before + after} == {"none"}
    assert TOTAL_SECONDS <= max(seconds_of(before)) < TOTAL_SECONDS + 1
    assert {each["reason"] for each in after} == {"rspamd:open,spamassassin:open"}

    wait_until_closed()
    assert verdict(mailboxes, send())["engine"] == "rspamd"


@pytest.mark.parametrize("body", [b"{}", b"<html>502</html>", b"\0" * 100], ids=["empty", "html", "zeros"])
def test_garbage_is_no_verdict(mailboxes: Mailboxes, body: bytes) -> None:
    with in_place_of_rspamd(body):
        seen = verdict(mailboxes, send())

    assert seen["engine"] == "spamassassin"
    assert float(seen["seconds"]) < RSPAMD_SECONDS


def test_an_answer_after_the_deadline_changes_nothing(mailboxes: Mailboxes) -> None:
    late = b'{"score": 99, "action": "reject", "symbols": {}}'
    with in_place_of_rspamd(late, TOTAL_SECONDS + 1), ordered("skip", "spamassassin"):
        token = send()
        seen = verdict(mailboxes, token)
        after = verdict(mailboxes, send())

    assert seen["reason"] == "spamassassin:skipped,rspamd:late"
    assert TOTAL_SECONDS <= float(seen["seconds"]) < TOTAL_SECONDS + 1
    assert after["engine"] == "none"
    assert len(mailboxes.find(token)) == 1


@pytest.mark.parametrize("unit", ["rspamd.service", "spamd.service"])
def test_a_restart_under_load_leaves_nothing_unscanned(mailboxes: Mailboxes, unit: str) -> None:
    engine = "spamassassin" if unit == "spamd.service" else "rspamd"
    with ordered("use", engine), ThreadPoolExecutor(4) as threads:
        sending = threads.map(lambda _: [send() for _ in range(15)], range(4))
        for _ in range(3):
            ssh.on(HOST, f"systemctl restart {unit}")
        tokens = [token for each in sending for token in each]
        seen = [verdict(mailboxes, token) for token in tokens]

    assert "none" not in {each["engine"] for each in seen}
    assert max(seconds_of(seen)) < TOTAL_SECONDS
    assert all(len(mailboxes.find(token)) == 1 for token in tokens)


def test_an_order_holds_from_the_next_message_on(mailboxes: Mailboxes) -> None:
    assert verdict(mailboxes, send())["engine"] == "rspamd"
    with ordered("skip", "rspamd"):
        assert {each["engine"] for each in send_many(mailboxes, 5)} == {"spamassassin"}
        with ordered("skip", "spamassassin", "--force"):
            seen = send_many(mailboxes, 5)
    assert {each["reason"] for each in seen} == {"rspamd:skipped,spamassassin:skipped"}
    assert max(seconds_of(seen)) < AT_ONCE
    assert {each["engine"] for each in send_many(mailboxes, 5)} == {"rspamd"}
