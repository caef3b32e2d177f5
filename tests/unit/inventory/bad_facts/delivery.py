"""Mistakes about certificates, reports on TLS, the resolver and the signer."""

from tests.unit.inventory.bad_facts.row import Bad

KEY = "  key: /etc/twinmx/tls/{fqdn}.key\n"
ACCESS = "access:\n"
ACME = "  acme: {directory: https://ca.example/dir, account_key: account.pem"

ROWS = {
    "an authority without https": Bad(
        KEY,
        f"{KEY}  acme: {{directory: ca.example, account_key: account.pem}}\n",
        "acme:",
        "tls.acme.directory: 'ca.example'; allowed: the URL of an ACME directory, from https:// on",
    ),
    "an authority without an account": Bad(
        KEY, f"{KEY}  acme: {{directory: https://ca.example/dir}}\n", "acme:", "tls.acme.account_key: missing"
    ),
    "a renewal that comes too late": Bad(
        KEY,
        f"{KEY}{ACME}, renew_days: 0}}\n",
        "acme:",
        "tls.acme.renew_days: 0; allowed: a whole number from 1 to 60",
    ),
    "a resolver that is a name": Bad(
        ACCESS,
        f"resolver:\n  forward_to: [dns.example]\n{ACCESS}",
        "forward_to:",
        "resolver.forward_to entry 1: 'dns.example': not an address; allowed: the address of one host",
    ),
    "a resolver of its own": Bad(
        ACCESS,
        f"resolver:\n  forward_to: [127.0.0.1]\n{ACCESS}",
        "forward_to:",
        "resolver.forward_to entry 1: '127.0.0.1': loopback, unspecified and multicast addresses",
    ),
    "reports on TLS in another's name": Bad(
        KEY,
        f"{KEY}  reports: {{send: true, contact: tls@elsewhere.example}}\n",
        "reports:",
        "tls.reports.contact: 'tls@elsewhere.example': no address in a served domain, whose DKIM key signs",
    ),
    "reports on TLS of somebody who cannot be written in ASCII": Bad(
        KEY,
        f"{KEY}  reports: {{send: true, organization: Müller}}\n",
        "reports:",
        "tls.reports.organization: 'Müller'; allowed: a name in printable ASCII",
    ),
    "a signer without workers": Bad(
        ACCESS,
        f"signing:\n  workers: 0\n{ACCESS}",
        "workers: 0",
        "signing.workers: 0; allowed: a whole number from 1 to 16",
    ),
}
