"""The host's certificate and key, checked on the controller before any host is touched.

Ports: none. Postfix depends on it, and policy where the exchangers serve an MTA-STS policy: the certificate
then names mta-sts.DOMAIN of each served domain as well. The files come from the controller
(`tls.certificate`, `tls.key`): in the lab from its own CA, in production from yours or by ACME.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from inventory.load import InventoryError
from inventory.masking import hide
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.records.mta_sts import policy_names
from roles.lib.role import role
from roles.lib.site import Site

CERTIFICATE = "/etc/twinmx/tls/certificate.pem"
KEY = "/etc/twinmx/tls/key.pem"
LEAST_VALIDITY = timedelta(days=1)


def _read(knob: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InventoryError(
            f"tls.{knob}: {path}: {error.strerror}; put it there, or have `twinmx certificates renew` order "
            "it (docs/deliverability.md); `make up` makes those of the lab"
        ) from None


def _covers(certificate: x509.Certificate, fqdn: str) -> bool:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    wildcard = "*." + fqdn.split(".", 1)[1]
    return bool({fqdn, wildcard} & set(names.get_values_for_type(x509.DNSName)))


def lacking_names(certificate: x509.Certificate, names: Sequence[str]) -> list[str]:
    """Those of `names` that the certificate is not for; ExtensionNotFound where it names nobody."""
    return [name for name in names if not _covers(certificate, name)]


def check_pair(
    fqdn: str, certificate: Path, key: Path, *, policy_hosts: Sequence[str] = ()
) -> tuple[bytes, bytes]:
    """The PEM bytes of a certificate and its key.

    InventoryError where they cannot serve `fqdn` and the names of `policy_hosts`.
    """
    chain, private = _read("certificate", certificate), _read("key", key)
    hide(private.decode("ascii", "replace"))
    try:
        leaf = x509.load_pem_x509_certificate(chain)
        public = load_pem_private_key(private, password=None).public_key()
        lacking = lacking_names(leaf, (fqdn, *policy_hosts))
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound) as error:
        raise InventoryError(f"tls: {certificate} or {key} cannot be used: {error}") from None
    if leaf.public_key() != public:
        raise InventoryError(f"tls: {key} is not the key of {certificate}; allowed: a pair")
    if lacking:
        raise InventoryError(
            f"tls.certificate: {certificate} is not for {', '.join(lacking)}; allowed: one that names it"
        )
    if leaf.not_valid_after_utc < datetime.now(UTC) + LEAST_VALIDITY:
        raise InventoryError(
            f"tls.certificate: {certificate} ends {leaf.not_valid_after_utc}; renew it first"
        )
    return chain, private


def read_files(site: Site) -> list[Managed]:
    """The two files of this host; the key is a secret readable by root alone."""
    fqdn, tls = site.me.fqdn, site.exchange.tls
    certificate, key = (Path(knob.format(fqdn=fqdn)) for knob in (tls.certificate, tls.key))
    chain, private = check_pair(fqdn, certificate, key, policy_hosts=policy_names(site.exchange))
    return [ManagedFile(CERTIFICATE, chain), ManagedFile(KEY, private, mode="0400", secret=True)]


@role("tls")
def deploy(site: Site) -> None:
    """Copy the pair; Postfix's own role takes it up."""
    checked_files("tls", read_files(site))
