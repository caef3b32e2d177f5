"""The same exchanger in several variants, for a measurement: changed in place, mended by a converge.

Everything that is sent out goes to the sink on the controller instead of a mailbox provider, and the limits
are out of the way: what is measured is the path, not its rules.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lab import ssh
from lab.command import run
from lab.settings import CONTROLLER, ROOT, LabHost
from roles.lib import ports

SINK_PORT = 2526
_TOMLS = "/etc/twinmx/gate.toml /etc/twinmx/forwarder.toml"


@dataclass(frozen=True)
class Variant:
    """What stands between the two Postfix instances: nothing (`engines` None), or our programs."""

    name: str
    engines: tuple[str, ...] | None
    workers: int = 2


def _restart(workers: int) -> str:
    return f"""for n in $(seq 64); do
  if [ $n -le {workers} ]; then echo forwarder@$n; fi
done | xargs systemctl restart
systemctl list-units --plain --no-legend 'forwarder@*' | while read -r unit rest; do
  n=${{unit#forwarder@}}; [ "${{n%.service}}" -le {workers} ] || systemctl stop "$unit"
done
systemctl restart 'gate@*'"""


def _wait_for_workers(workers: int) -> str:
    return f"""for n in $(seq {workers}); do
  until curl -sf http://$(hostname -i):$(({ports.METRICS_BASE} + n))/healthz >/dev/null; do sleep 0.1; done
done"""


def apply(host: LabHost, variant: Variant) -> None:
    """Make `host` the variant; `restored` puts it back."""
    if variant.engines is None:
        ssh.on(
            host,
            f"postconf -e 'relay_transport = relay:[127.0.0.1]:{ports.OUT}' smtpd_milters= && postfix reload",
        )
        return
    engines = ", ".join(f'"{engine}"' for engine in variant.engines)
    ssh.on(
        host,
        f"""set -e
postconf -e "$(cat /run/bench-transport)" "$(cat /run/bench-milters)"
sed -i -e 's/^engines = .*/engines = [{engines}]/' -e 's/^count = .*/count = 1000000/' {_TOMLS}
postfix reload
{_restart(variant.workers)}
{_wait_for_workers(variant.workers)}""",
        seconds=120,
    )


@contextmanager
def prepared(host: LabHost) -> Iterator[None]:
    """Lead what `host` sends out to the sink; afterwards converge it, whatever happened."""
    ssh.on(
        host,
        f"""set -e
postconf relay_transport >/run/bench-transport
postconf smtpd_milters >/run/bench-milters
postconf -c /etc/postfix-out -e 'relayhost = [{CONTROLLER}]:{SINK_PORT}' 'transport_maps ='
postfix -c /etc/postfix-out reload""",
    )
    try:
        yield
    finally:
        run(["make", "-C", str(ROOT), "--no-print-directory", "converge"], seconds=600)


def aliases(count: int = 40) -> Sequence[str]:
    """Recipients with one mailbox each (those from load41 on have two), so no one queue slot is measured."""
    return [f"load{number:02}@alias.example" for number in range(1, count + 1)]
