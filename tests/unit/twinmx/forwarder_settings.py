"""A settings file of the forwarder: on loopback and without engines, unless it is told otherwise."""

import json
from collections.abc import Sequence
from pathlib import Path

_TEMPLATE = """
host = "mx1.alias.example"
[listen]
addresses = {addresses}
port = {port}
clients = {clients}
max_message_size = 31457280
max_bytes_in_hand = 67108864
max_connections = 200
idle_seconds = 120
[metrics]
address = "127.0.0.1"
port_base = {metrics_base}
[reinject]
address = "127.0.0.1"
port = {reinject_port}
connections = 20
seconds = {reinject_seconds}
[peers]
addresses = {peers}
seconds = 2
[aliases]
snapshot = "{directory}/aliases.lmdb"
[srs]
max_age_days = 30
socketmap_port = {socketmap_port}
domains = ["alias.example"]
[spam]
engines = {engines}
total_seconds = 20
reject_score = 15.0
max_scan_bytes = 1048576
[spam.rspamd]
socket = "/run/rspamd/worker.sock"
budget_seconds = 4
[spam.spamassassin]
address = "127.0.0.1"
port = 783
budget_seconds = 10
[quarantine]
directory = "{directory}/quarantine"
[delivered]
directory = "{directory}/delivered"
[drain]
directory = "{directory}"
[deadline]
total_seconds = 45
postfix_seconds = 60
"""


def forwarder_settings(
    directory: Path,
    *,
    addresses: Sequence[str] = ("127.0.0.1",),
    port: int = 20381,
    clients: Sequence[str] = ("127.0.0.1/32",),
    metrics_base: int = 20400,
    reinject_port: int = 20386,
    reinject_seconds: float = 20,
    peers: Sequence[str] = (),
    socketmap_port: int = 20382,
    engines: Sequence[str] = (),
) -> str:
    """Settings for a forwarder that has its files in `directory`."""
    return _TEMPLATE.format(
        directory=directory,
        addresses=json.dumps(addresses),
        port=port,
        clients=json.dumps(clients),
        metrics_base=metrics_base,
        reinject_port=reinject_port,
        reinject_seconds=reinject_seconds,
        peers=json.dumps(peers),
        socketmap_port=socketmap_port,
        engines=json.dumps(engines),
    )


SETTINGS = forwarder_settings(
    Path("/var/lib/twinmx"),
    addresses=("127.0.0.1", "198.51.100.11"),
    clients=("127.0.0.1/32", "198.51.100.12/32"),
    peers=("198.51.100.12",),
    engines=("rspamd", "spamassassin"),
)
"""As on an exchanger with a peer."""
