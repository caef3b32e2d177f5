"""The forwarder: N independent workers on one port between the two Postfix instances.

Ports: 20381 on loopback and on the peer link (SMTP, from Postfix here and on the other exchangers), 20382
on loopback (socketmap: are rewritten senders ours?), 20401… on the peer link (metrics of worker 1…).
In August 2020 the one mail handler was down although it was set to restart: here there are several, each
with a watchdog and without a limit on restarts, and Postfix goes on to the peer's while all are away.
"""

from math import floor

from roles import rspamd, valkey
from roles.aliases import AUTHORITY, PASSWORDS, SNAPSHOT
from roles.lib import ports, workers
from roles.lib.converge import converged
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link

SETTINGS = "/etc/twinmx/forwarder.toml"
DRAIN_DIRECTORY = "/run/twinmx"  # where the failover agent says that this host is drained
SRS_KEYS = "/etc/twinmx/credentials/srs-keys"
UNITS = "/etc/systemd/system"
BEFORE_THE_QUEUE = 550
CONNECTIONS = 20
"""Sessions of a worker with postfix-out, at most."""
HEADERS_BYTES = 524288  # what our hops add to a message
LARGEST_IN_HAND = 2
"""How many of the largest messages a worker has in hand at once."""
COPIES = 6
"""How often a message is in memory at most: measured 4.7 times, and once more for a second mailbox."""
BASE_BYTES = 128 << 20
"""Memory of a worker without messages, and room for what small ones need."""
SPARE_SECONDS = 15  # between the end of the last message and systemd's patience


def keys_file(site: Site) -> ManagedFile:
    """The keys that sign rewritten senders, traces and verdicts; the gate reads it as well."""
    keys = "".join(f"{key.get_secret_value()}\n" for key in site.secrets.srs_keys)
    return ManagedFile(SRS_KEYS, keys, mode="0400", secret=True)


def render_files(site: Site) -> list[Managed]:
    """Settings, keys and units."""
    exchange = site.exchange
    left = exchange.deadlines.forwarder_seconds - exchange.spam.total_seconds
    peer_seconds = min(2, left / 4)
    limits_here = exchange.rate_limits.answer != BEFORE_THE_QUEUE
    largest = exchange.messages.max_bytes + HEADERS_BYTES
    in_hand = LARGEST_IN_HAND * largest
    settings = render(
        "forwarder/forwarder.toml.j2",
        exchange=exchange,
        me=site.me,
        peers=site.peers,
        port=ports.FORWARDER,
        out_port=ports.OUT,
        connections=CONNECTIONS,
        socketmap_port=ports.SOCKETMAP,
        metrics_base=ports.METRICS_BASE,
        largest=largest,
        in_hand=in_hand,
        peer_seconds=peer_seconds,
        reinject_seconds=floor((left - peer_seconds) * 1000) / 1000,
        limits_here=limits_here,
        valkey=valkey.seen_by(site),
        snapshot=SNAPSHOT,
        drain_directory=DRAIN_DIRECTORY,
        rspamd_socket=rspamd.SCAN_SOCKET,
        spamd_port=ports.SPAMD,
        database=exchange.followed,
        authority=AUTHORITY,
    )
    unit = render(
        "forwarder/forwarder@.service.j2",
        program=f"{CURRENT}/bin/twinmx-forwarder",
        keys=SRS_KEYS,
        memory_max=BASE_BYTES + COPIES * in_hand,
        stop_seconds=exchange.deadlines.data_done_seconds + SPARE_SECONDS,
        valkey_password=valkey.PASSWORD if limits_here else None,
        database_passwords=PASSWORDS if exchange.forwarder.asks_database else None,
    )
    return [
        ManagedFile(SETTINGS, settings),
        keys_file(site),
        ManagedFile(f"{UNITS}/forwarder@.service", unit),
        ManagedFile(
            f"{UNITS}/forwarder.target",
            render("forwarder/forwarder.target.j2", workers=exchange.forwarder.workers),
        ),
    ]


@role("forwarder")
def deploy(site: Site) -> None:
    """Run exactly as many workers as the inventory says, all on the current release."""
    files = render_files(site)
    checked_files(
        "forwarder", files, check=f"{CURRENT}/bin/twinmx-forwarder --settings $CANDIDATE{SETTINGS} --check"
    )
    number = site.exchange.forwarder.workers
    converged(
        "forwarder",
        apply=workers.restart("forwarder", number),
        healthy=workers.healthy(number, site.me.peer, ports.METRICS_BASE),
        inputs=[*files, current_link()],
        units=workers.units("forwarder", number),
        at_boot=["forwarder.target"],
    )
