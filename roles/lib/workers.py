"""Programs of which several workers run as instances of one unit, NAME@1 … NAME@N, under NAME.target."""

from ipaddress import IPv4Address

# One worker after the other, so that the port is always served; then those that are too many go.
_RESTART = """systemctl daemon-reload
systemctl enable -q {name}.target
for n in $(seq {workers}); do systemctl restart {name}@$n.service; done
systemctl start {name}.target
systemctl list-units --all --plain --no-legend '{name}@*.service' | while read -r unit rest; do
  n=${{unit#{name}@}}; n=${{n%.service}}
  [ "$n" -le {workers} ] || systemctl stop "$unit"
done"""

_HEALTHY = """for n in $(seq {workers}); do
  curl --silent --fail --max-time 2 http://{address}:$(({base} + n))/healthz || exit 1
done"""


def restart(name: str, workers: int) -> str:
    """The command that has exactly `workers` run, all of them started anew."""
    return _RESTART.format(name=name, workers=workers)


def healthy(workers: int, address: IPv4Address, base: int) -> str:
    """The command that succeeds when each of them says at its own port that it is well."""
    return _HEALTHY.format(workers=workers, address=address, base=base)


def units(name: str, workers: int) -> list[str]:
    """The units of the workers."""
    return [f"{name}@{number}.service" for number in range(1, workers + 1)]
