"""Questions that the tests of several roles ask."""

import shlex
from typing import Any, Literal

Host = Any  # testinfra has no types

CONNECT = """
import socket
try:
    socket.create_connection(({address!r}, {port}), timeout=1.5).close()
    print("open")
except ConnectionRefusedError:
    print("refused")
except TimeoutError:
    print("dropped")
"""


def run_python(host: Host, program: str, python: str = "python3") -> str:
    """The output of a Python program on `host`."""
    return str(host.check_output(f"{python} -c {shlex.quote(program)}"))


def reach(source: Host, address: object, port: int) -> Literal["open", "refused", "dropped"]:
    """How a TCP connection from `source` fares."""
    answer = run_python(source, CONNECT.format(address=str(address), port=port)).strip()
    assert answer in ("open", "refused", "dropped")
    return answer  # type: ignore[return-value]


def shown(host: Host, unit: str, *properties: str) -> dict[str, str]:
    """Properties of a unit as systemd has them in force."""
    text = host.check_output(f"systemctl show -p {','.join(properties)} {shlex.quote(unit)}")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def main_pid(host: Host, unit: str) -> int:
    """The first process of a service; 0 when it does not run."""
    return int(shown(host, unit, "MainPID")["MainPID"])


def exposure(host: Host, unit: str) -> float:
    """The score of `systemd-analyze security`: from 0 (all is taken from it) to 10 (may do anything)."""
    last = host.check_output(f"systemd-analyze security --no-pager {shlex.quote(unit)}").splitlines()[-1]
    return float(last.split(":")[1].split()[0])


def listening(host: Host) -> set[tuple[str, int]]:
    """Address and port of every TCP socket that listens, but for the container engine's resolver."""
    rows = (line.split()[3] for line in host.check_output("ss -Hltn").splitlines())
    sockets = {(address.strip("[]"), int(port)) for address, _, port in (row.rpartition(":") for row in rows)}
    return {(address, port) for address, port in sockets if address != "127.0.0.11"}


def caps(host: Host, unit: str) -> tuple[float, int]:
    """CPU share (1.0 is one core) and bytes of memory that systemd has for a unit.

    A container without the cgroup controllers does not enforce them; a real host does.
    """
    seen = shown(host, unit, "CPUQuotaPerSecUSec", "MemoryMax")
    quota = seen["CPUQuotaPerSecUSec"]
    share = float(quota[:-2]) / 1000 if quota.endswith("ms") else float(quota[:-1])
    return share, int(seen["MemoryMax"])


def comes_back_for_ever(host: Host, unit: str) -> bool:
    """Whether systemd starts a unit again whatever ended it, and however often."""
    return shown(host, unit, "Restart", "StartLimitIntervalUSec") == {
        "Restart": "always",
        "StartLimitIntervalUSec": "0",
    }
