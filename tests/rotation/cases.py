"""Every secret that is rotated, and what shows on the hosts that none of them missed it."""

import shlex
import smtplib
import ssl
from functools import partial

from controller.acme import commands
from controller.pyinfra import ROOT
from inventory.secrets import Secrets
from lab import pki, ssh
from lab.converging import Pair
from lab.database import SOURCE, followed, sql
from lab.errors import LabError
from lab.mailbox import new_token
from lab.settings import CERTIFIED, LAB, LabHost
from lab.waiting import until
from roles.lib import ports
from roles.lib.records.keys import spki_of
from tests.faults.drill import Case, Drill
from tests.hosts.ordering import ordering
from tests.mail.dialogue import answer_to, deliver
from tests.mail.letters import letter
from tests.mail.outside import wait_for_mail_to
from tests.mail.validating import signers
from tests.rotation.steps import INVENTORY, Look, converge, places, roll, the_exchange
from tests.systemd import main_pids
from twinmx.srs import Srs

LISTED = 3
"""Steps of a rotation of a list: added, promoted, retired."""

ACCEPTED = 250
SETTLE_SECONDS = 30
RETURN_SECONDS = 75
YOUNG_SECONDS = 7.0
END_SESSIONS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'exchanger'"


def _nothing(before: Secrets, after: Secrets) -> None:
    """The ledger alone says whether it went well."""


def _senders(before: Secrets, after: Secrets) -> None:
    """What either signs with, both hosts take back."""
    for secrets in (before, after):
        signing = Srs([secrets.srs_keys[0].get_secret_value().encode()], 21)
        rewritten = signing.rewrite("ada@sender.example", "alias.example")
        for host in LAB.hosts:
            if (code := answer_to(host, rewritten, "").code) != ACCEPTED:
                raise LabError(f"{host.alias} answers {code} to a sender that was rewritten in this rotation")


def _counting(before: Secrets, after: Secrets) -> None:
    """All gates count in Valkey, none by itself."""
    for host in LAB.hosts:
        asked = f"curl -sf http://{host.address}:{ports.GATE_METRICS_BASE + 1}/metrics"
        command = f"{asked} | grep -x 'twinmx_limits_local 0.0' || true"
        until(partial(ssh.on, host, command), SETTLE_SECONDS, f"the gate of {host.alias} counts in Valkey")


def _unlogged(unit: str, pattern: str, before: Secrets, after: Secrets) -> None:
    """No program was refused for what it showed."""
    for host in LAB.hosts:
        command = f"journalctl -q -o cat -u {unit} --since '-10min' | grep -E {shlex.quote(pattern)} || true"
        if found := ssh.on(host, command).strip():
            raise LabError(f"{unit} of {host.alias} was refused: {found.splitlines()[-1]}")


def _updates(before: Secrets, after: Secrets) -> None:
    """The agents have the key that is first, and no server refused it."""
    if after.tsig is None:
        raise LabError("the lab has no TSIG key")
    _unlogged("failover", "BADKEY|BADSIG|NOTAUTH|REFUSED", before, after)


def _signatures(before: Secrets, after: Secrets) -> None:
    """A receiver outside finds both signatures of each host's bounce good, of the pair before or after."""
    known = {pairs.dkim_keys[0].name for pairs in (before, after)}
    for host in LAB.hosts:
        token = new_token()
        sender = f"{token}@sender.example"
        deliver(host, letter(token), "moved@alias.example", sender=sender)
        found = signers(wait_for_mail_to(sender))
        pair = found[0][1].partition("-")[0] if found else "nobody"
        if pair not in known or set(found) != {
            ("alias.example", f"{pair}-{kind}", True) for kind in ("rsa", "ed25519")
        }:
            raise LabError(f"a bounce of {host.alias} has the signatures {found}, the pairs are {known}")


def _case(name: str, says: str, stages: int, look: Look, *, name_server: bool = False) -> Case:
    def inject(drill: Drill) -> None:
        drill.until_sent(0.01)
        roll(name, stages, look, name_server=name_server)

    return Case(name, says, inject)


def _database(drill: Drill) -> None:
    """All sessions end after every step: whoever comes back shows a password that the server takes."""

    def look(before: Secrets, after: Secrets) -> None:
        sql(database, END_SESSIONS)
        for host in LAB.hosts:
            fresh = partial(_is_young, host)
            until(fresh, RETURN_SECONDS, f"{host.alias} reads the database again")
        _unlogged("twinmx-aliases", "InvalidPassword", before, after)

    with followed(Pair(INVENTORY, the_exchange())) as database:
        drill.until_sent(0.01)
        roll("database_passwords", LISTED, look, flags=SOURCE)


def _is_young(host: LabHost) -> bool:
    url = f"http://{host.address}:{ports.ALIASES_METRICS_BASE + 1}/metrics"
    age = ssh.on(host, f"curl -sf {url} | grep '^twinmx_aliases_source_age_seconds ' || true").split()
    return len(age) == 2 and float(age[1]) < YOUNG_SECONDS


def _certificate(drill: Drill) -> None:
    """Ordered anew for the same key, so that DANE holds; nothing is restarted for it."""
    exchange = the_exchange()
    drill.until_sent(0.01)
    before = {host: (_shown(host), _masters(host)) for host in LAB.hosts}
    for host in LAB.hosts:
        (pki.DIRECTORY / f"{host.fqdn}.pem").unlink()
    files = (pki.DIRECTORY / f"{{fqdn}}.{kind}" for kind in ("pem", "key"))
    try:
        with ordering(exchange, pki.DIRECTORY / "account.pem", *files) as ours:
            commands._renew(ours, ROOT, next_key=False)
        for place in places(database=False):
            converge(place)
        for host, (certificate, masters) in before.items():
            now = _shown(host)
            if now == certificate or _key_of(now) != _key_of(certificate):
                raise LabError(f"{host.alias} does not show a new certificate for the same key")
            if _masters(host) != masters:
                raise LabError(f"{host.alias}: Postfix or nginx was restarted")
    finally:
        for host in LAB.hosts:
            (pki.DIRECTORY / f"{host.fqdn}.pem").unlink(missing_ok=True)
        pki.ensure([host.fqdn for host in LAB.hosts], also=CERTIFIED)
        for place in places(database=False):
            converge(place)


def _shown(host: LabHost) -> bytes:
    """The certificate that port 25 shows, DER."""
    with smtplib.SMTP(str(host.address), 25, timeout=10) as session:
        session.ehlo()
        session.starttls(context=ssl._create_unverified_context())
        assert isinstance(session.sock, ssl.SSLSocket)
        return session.sock.getpeercert(binary_form=True) or b""


def _key_of(certificate: bytes) -> bytes:
    return spki_of(ssl.DER_cert_to_PEM_cert(certificate).encode())


def _masters(host: LabHost) -> list[int]:
    """The main processes of all that shows the certificate."""
    return main_pids(host, "postfix.service", "postfix@out.service", "nginx.service")


CASES: tuple[Case, ...] = (
    _case("srs_keys", "keys of senders, traces, verdicts, canaries, promises", LISTED, _senders),
    _case("valkey_passwords", "password of the programs in Valkey", LISTED, _counting),
    _case("dkim_keys", "keys of our signatures and seals", LISTED, _signatures),
    _case("tsig_keys", "key of DNS updates", LISTED, _updates, name_server=True),
    _case("rspamd_password", "password of Rspamd's controller", 1, _nothing),
    Case("database_passwords", "password of the exchangers in PostgreSQL", _database),
    Case("certificate", "certificates of port 25 and the policy, ordered anew by ACME", _certificate),
)
