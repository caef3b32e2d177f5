"""Whether a host's services run and answer, as a test or a drill needs to know before the next one."""

import shlex

from lab import ssh
from lab.errors import LabError
from lab.settings import LAB, LabHost
from lab.waiting import until
from roles import rspamd
from roles.lib import ports

RETURN_SECONDS = 60
WHOLE_SECONDS = 90
WELL = f"""curl --silent --fail --max-time 2 --unix-socket {rspamd.SCAN_SOCKET} http://rspamd/ping \
&& timeout 2 spamc --dest 127.0.0.1 -K \
&& for program in forwarder:{ports.METRICS_BASE} gate:{ports.GATE_METRICS_BASE}; do
  for unit in $(systemctl show --property Wants --value ${{program%:*}}.target); do
    number=${{unit#*@}}
    at=http://$(hostname -i):$((${{program#*:}} + ${{number%.service}}))
    curl --silent --fail --max-time 2 $at/healthz || exit 1
    ! curl --silent --max-time 2 $at/metrics | grep -q '^twinmx_spam_breaker_state.* [12]' || exit 1
  done
done"""
SERVICES = ("postfix", "postfix@out", "rspamd", "spamd", "valkey-server")
PROGRAMS = "'forwarder@*.service' 'gate@*.service'"
GREETS = f'import smtplib\nfor port in (25, {ports.OUT}): smtplib.SMTP("127.0.0.1", port, timeout=3).quit()'
WHOLE = f"""for unit in {" ".join(SERVICES)} $(systemctl list-units --all --plain --no-legend {PROGRAMS} |
  cut -d' ' -f1); do
  systemctl is-active -q $unit || {{ echo $unit is not active; exit 1; }}
done
python3 -c {shlex.quote(GREETS)} && {WELL}"""


def wait_until_well(host: LabHost, check: str = WELL, seconds: float = RETURN_SECONDS) -> None:
    """Engines and workers answer, and the workers ask them, so that the next test meets a whole host.

    Raises LabError with what `check` says where it still fails after `seconds`.
    """
    said = ""

    def is_well() -> bool:
        nonlocal said
        said = ssh.on(host, f"( {check} ) 2>&1 && echo well || true")
        return said.endswith("well\n")

    try:
        until(is_well, seconds, f"{host.alias} well again")
    except LabError as error:
        raise LabError(f"{error.cause}; it says: {said.strip() or 'nothing'}") from error


def wait_until_whole() -> None:
    """Every service of both hosts runs and answers; raises LabError with what does not."""
    for host in LAB.hosts:
        wait_until_well(host, WHOLE, WHOLE_SECONDS)
