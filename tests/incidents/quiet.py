"""The incident that is none: noisy, ordinary traffic, in which no agent may act.

Mail comes in bursts, one provider is slow, one greylists. All of it happens to both hosts alike.
"""

import shlex
from contextlib import AbstractContextManager

from lab import ssh
from lab.outside import habits
from lab.settings import OUTSIDE, ROOT
from tests.faults.drill import Drill
from tests.incidents.drill import Fault, Incident
from tests.incidents.verdict import Expected

PORT = 10040
UNIT = "habits"
GREYLISTED = "load01@,load02@,load03@,load04@,load05@"
"""A tenth of the letters is for these."""

SLOW = "@post.example"
BURST = 100
SEEN_SECONDS = 120


def _noisy(_: Drill) -> AbstractContextManager[None]:
    """Have the mailbox provider greylist some recipients and be slow about others."""
    program = (ROOT / "lab" / "outside" / "habits.py").read_text()
    asked = f"smtpd_recipient_restrictions=check_policy_service inet:127.0.0.1:{PORT}"
    serve = ("systemd-run", "--quiet", "--collect", "--unit", UNIT, "python3", "-c", program)
    do = f"{shlex.join((*serve, str(PORT), GREYLISTED, SLOW))} && {shlex.join(('postconf', asked))}"
    undo = f"postconf -X smtpd_recipient_restrictions; postfix reload; systemctl stop {UNIT}"
    return ssh.meanwhile(OUTSIDE, f"{do} && postfix reload", undo)


def _greylists() -> bool:
    search = f"journalctl -q -u 'postfix*' --since -{SEEN_SECONDS}s | grep -c Greylisted || true"
    return int(ssh.on(OUTSIDE, search)) > 0


def quiet(minutes: float) -> Incident:
    """So many minutes of it."""
    return Incident(
        "quiet",
        f"{minutes:g} minutes of bursts, a slow provider ({habits.SLOW_SECONDS:g} s), a greylisting one",
        Fault(_noisy, _greylists),
        Expected(None, (), recovers=False),
        burst=BURST,
        seconds=60 * minutes,
    )
