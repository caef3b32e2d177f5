"""From what a host observed (roles/lib/onhost/sockets.py) to rows that hold for every exchange.

Addresses become what they are to the exchange, workers' ports become a formula, and who may reach a port
is read out of the rules that the kernel has loaded, not out of the template that they came from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from controller.security.purposes import PATHS, PORTS, UNKNOWN, workers
from inventory.schema import Exchange, Exchanger

ENGINE_RESOLVER = "127.0.0.11"  # a container engine's own, not the host's
FIRST_EPHEMERAL = 32768  # ip(7), ip_local_port_range: a UDP socket there waits for an answer
RESOLVER, DNS = "unbound", 53
NOT_OURS = ("/run/systemd/", "/run/dbus/", "/run/udev/", "/run/user/")
THIS_HOST = "this host"

Rules = Sequence[Mapping[str, Any]]


class Row(NamedTuple):
    """A line of the table. reached: from where, by the packet filter or the file's mode."""

    kind: str
    at: str
    user: str
    reached: str
    purpose: str


def rows(observed: Mapping[str, Any], exchange: Exchange, me: Exchanger) -> list[Row]:
    """All that listens on the host of `me`, sorted, each thing once."""
    inet = _inet(observed["inet"], observed["rules"], exchange, me)
    return sorted({*inet, *_unix(observed["unix"])}, key=_order)


def _order(row: Row) -> tuple[bool, int, Row]:
    numbers = [word for word in row.at.split() if word.isdecimal()]
    return row.kind == "unix", int(numbers[0]) if numbers else 0, row


def _inet(sockets: Iterable[Sequence[str]], rules: Rules, exchange: Exchange, me: Exchanger) -> Iterator[Row]:
    for transport, address, written, user in sockets:
        port = int(written)
        if address == ENGINE_RESOLVER or (transport == "udp" and _asks(port, user)):
            continue
        place = _place(address, me)
        shown, purpose = _port(port, exchange)
        reached = THIS_HOST if place == "loopback" else _reached(transport, port, rules, exchange)
        yield Row(transport, f"{place} {shown}", user, reached, purpose)


def _asks(port: int, user: str) -> bool:
    """Whether a UDP socket waits for an answer; Unbound asks from any port, against forgery (RFC 5452)."""
    return port >= FIRST_EPHEMERAL or (user == RESOLVER and port != DNS)


def _place(address: str, me: Exchanger) -> str:
    if address in ("*", "0.0.0.0", "::"):  # noqa: S104 - what ss prints
        return "all addresses,"
    if ip_address(address).is_loopback:
        return "loopback"
    return "peer link" if address == str(me.peer) else "public address"


def _port(port: int, exchange: Exchange) -> tuple[str, str]:
    """How the port is written, and what it is for."""
    if port == exchange.access.ssh_port:
        return "access.ssh_port", "SSH (sshd)"
    for base, (number, purpose) in workers(exchange).items():
        if base < port <= base + number:
            return f"{base} + N", purpose
    return str(port), PORTS.get(port, UNKNOWN)


def _reached(transport: str, port: int, rules: Rules, exchange: Exchange) -> str:
    kinds: dict[str, set[str]] = {
        "peers": {f"{host.peer}/32" for host in exchange.exchangers.values()},
        "monitors": {str(network) for network in exchange.monitors.clients},
    }
    if port == exchange.access.ssh_port:
        kinds = {"operators": {str(network) for network in exchange.access.ssh_from}}
    sources = set(_sources(transport, port, rules))
    if "" in sources:
        return "everyone"
    networks = {str(ip_network(source)) for source in sources}
    known = [kind for kind, those in kinds.items() if networks & those]
    others = sorted(networks - set().union(*kinds.values()))
    return ", ".join([*known, *others]) or "nobody"


def _sources(transport: str, port: int, rules: Rules) -> Iterator[str]:
    """Of each rule that accepts the port: the network that it accepts it from; empty for any."""
    for entry in rules:
        parts = entry.get("rule", {}).get("expr", [])
        if not any("accept" in part for part in parts):
            continue
        matches = {_field(part["match"]): part["match"]["right"] for part in parts if "match" in part}
        ports = matches.get(f"{transport} dport", matches.get("th dport"))
        if ports is not None and _holds(ports, port):
            yield _network(matches.get("ip saddr", matches.get("ip6 saddr", "")))


def _field(match: Mapping[str, Any]) -> str:
    payload = match["left"].get("payload", {}) if isinstance(match["left"], dict) else {}
    return f"{payload.get('protocol', '')} {payload.get('field', '')}"


def _holds(written: Any, port: int) -> bool:
    """Whether an nft port, range or set has `port` (libnftables-json(5))."""
    if isinstance(written, dict):
        if "range" in written:
            first, last = written["range"]
            return bool(first <= port <= last)
        return any(_holds(one, port) for one in written.get("set", ()))
    return bool(written == port)


def _network(written: Any) -> str:
    if isinstance(written, dict):
        prefix = written["prefix"]
        return f"{prefix['addr']}/{prefix['len']}"
    return str(written)


def _unix(sockets: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    for socket in sockets:
        path, access = socket["path"], socket["access"]
        if path.startswith(NOT_OURS):
            continue
        if path.startswith("/var/spool/"):  # a program's sockets, guarded by their directory
            path, access = f"{PurePosixPath(path).parent}/*", socket["directory"]
        mode, user, group = access
        yield Row("unix", path, user, _openers(int(mode, 8), user, group), PATHS.get(path, UNKNOWN))


def _openers(mode: int, user: str, group: str) -> str:
    """Who may connect: whom the mode lets write to a socket, or search a directory (unix(7))."""
    if mode & 0o003:
        return THIS_HOST
    who = [user] if user != "root" else []
    if mode & 0o030:
        who.append(f"group {group}")
    return ", ".join([*who, "root"])
