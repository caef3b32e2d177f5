"""Valkey: the counters of the rate limits and of `mxctl top`, in memory, on a unix socket.

Ports: none, or 20384 (TLS, on the peer link) where `rate_limits.shared_on` names this host. The gate and the
forwarder depend on it, but mail does not: without it each program counts for itself. Nothing is written to
disk, a restart only forgets the last minute's counts.
"""

import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import SecretStr

from inventory.masking import hide
from inventory.schema import Exchanger
from inventory.secrets import Secrets
from roles.lib import ports
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.tls import check_pair
from twinmx.limits.settings import SETTINGS

PACKAGES = ("valkey-server", "valkey-tools")
SOCKET = "/run/valkey/valkey.sock"
PASSWORD = "/etc/twinmx/credentials/valkey-password"  # noqa: S105 (a path)
CERTIFICATE, KEY = "/etc/valkey/certificate.pem", "/etc/valkey/key.pem"
PINNED = "/etc/twinmx/tls/valkey.pem"

# What the programs' scripts and `mxctl top` do, and nothing else.
COMMANDS = (
    *("auth", "hello", "ping", "info", "evalsha", "script|load", "time"),
    *("lindex", "rpush", "ltrim", "lrem", "pexpire"),
    *("hlen", "hexists", "hincrby", "hgetall", "expire"),
)
EXPORTER = "exporter"
"""The user of the monitors: it sees how Valkey is, and none of what is in it."""

# Valkey has no "check the configuration" option: start the candidate on a socket of its own (and, where it
# has one, a port of its own), and ask it.
TRIAL = """d=$(mktemp -d) && chown valkey $d && {{
setpriv --reuid valkey --regid valkey --clear-groups valkey-server /etc/valkey/valkey.conf \
  --unixsocket $d/s --dir $d --pidfile $d/pid --daemonize no --supervised no {port} >$d/log 2>&1 &
server=$!
for i in $(seq 50); do valkey-cli -s $d/s ping 2>&1 | grep -qE 'PONG|NOAUTH' && break; sleep 0.1; done
valkey-cli -s $d/s ping 2>&1 | grep -qE 'PONG|NOAUTH'; verdict=$?
[ $verdict = 0 ] || cat $d/log
kill $server; rm -rf $d; exit $verdict; }}"""


class Seen(NamedTuple):
    """Where a host's programs find their Valkey: a socket here, or another exchanger's port."""

    socket: str | None = None
    address: str | None = None
    port: int | None = None
    certificate: str | None = None


class Shared(NamedTuple):
    """Where this host's Valkey listens for the others."""

    address: str
    port: int


def host_of(site: Site) -> Exchanger | None:
    """The other exchanger whose Valkey counts for this host; None where its own does."""
    name = site.exchange.rate_limits.shared_on
    return None if name in (None, site.name) else site.exchange.exchangers[name]


def serves_others(site: Site) -> bool:
    """Whether this host's Valkey counts for other exchangers."""
    return site.exchange.rate_limits.shared_on == site.name and bool(site.peers)


def seen_by(site: Site) -> Seen:
    """What templates/lib/limits.toml.j2 calls `valkey`."""
    other = host_of(site)
    return Seen(address=str(other.peer), port=ports.VALKEY, certificate=PINNED) if other else Seen(SOCKET)


def exporter_password(secrets: Secrets) -> str:
    """The monitors' password, derived from that of the programs: one secret less to write down."""
    return _exporter_password(secrets.valkey_password)


def _exporter_password(of: SecretStr) -> str:
    password = hmac.new(of.get_secret_value().encode(), EXPORTER.encode(), "sha256").hexdigest()
    hide(password)
    return password


def _digests(passwords: Iterable[str]) -> list[str]:
    """Sorted: which of them is in use is nothing to Valkey, and no reason to restart it."""
    return sorted(hashlib.sha256(password.encode()).hexdigest() for password in passwords)


def _owned(path: str, content: str | bytes, *, secret: bool = False) -> ManagedFile:
    return ManagedFile(path, content, mode="0640", group="valkey", secret=secret)


def render_files(site: Site) -> list[Managed]:
    """Configuration and access list (it holds only hashes of passwords), and what the programs need."""
    password = site.secrets.valkey_password.get_secret_value()
    accepted = site.secrets.valkey_passwords
    shared = Shared(str(site.me.peer), ports.VALKEY) if serves_others(site) else None
    configuration = render(
        "valkey/valkey.conf.j2", socket=SOCKET, shared=shared, certificate=CERTIFICATE, key=KEY
    )
    acl = render(
        "valkey/users.acl.j2",
        digests=_digests(one.get_secret_value() for one in accepted),
        commands=COMMANDS,
        exporter=EXPORTER,
        exporter_digests=_digests(map(_exporter_password, accepted)),
    )
    limits = render("valkey/limits.toml.j2", exchange=site.exchange, valkey=seen_by(site))
    return [
        _owned("/etc/valkey/valkey.conf", configuration),
        _owned("/etc/valkey/users.acl", acl, secret=True),
        ManagedFile("/etc/systemd/system/valkey-server.service.d/twinmx.conf", render("valkey/unit.conf.j2")),
        ManagedFile(PASSWORD, f"{password}\n", mode="0400", secret=True),
        ManagedFile(str(SETTINGS), limits),
        *certificates(site),
    ]


def surplus(files: list[Managed]) -> list[str]:
    """What a Valkey that was shared before, or used another one, leaves behind."""
    return sorted({CERTIFICATE, KEY, PINNED} - {file.path for file in files})


def certificates(site: Site) -> list[Managed]:
    """The pair that a shared Valkey shows, or the certificate that its clients expect of it."""
    if serves_others(site):
        chain, key = _pair(site, site.me)
        return [_owned(CERTIFICATE, chain), _owned(KEY, key, secret=True)]
    if other := host_of(site):
        leaf = x509.load_pem_x509_certificate(_pair(site, other)[0])  # alone: what it signs is not trusted
        return [ManagedFile(PINNED, leaf.public_bytes(Encoding.PEM))]
    return []


def _pair(site: Site, of: Exchanger) -> tuple[bytes, bytes]:
    tls = site.exchange.tls
    return check_pair(of.fqdn, *(Path(path.format(fqdn=of.fqdn)) for path in (tls.certificate, tls.key)))


@role("valkey")
def deploy(site: Site) -> None:
    """Run one private Valkey."""
    packages("valkey", PACKAGES)
    files = render_files(site)
    trial_port = f"--bind 127.0.0.1 --tls-port {ports.VALKEY_TRIAL}" if serves_others(site) else ""
    checked_files(
        "valkey", files, check=TRIAL.format(port=trial_port), roots=["/etc/valkey"], absent=surplus(files)
    )
    converged_service(
        "valkey-server.service",
        inputs=files,
        healthy=f"valkey-cli -s {SOCKET} ping 2>&1 | grep -qE 'PONG|NOAUTH'",
        packages=PACKAGES,
    )
