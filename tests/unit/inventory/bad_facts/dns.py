"""Mistakes about DNS: who keeps the zones, and what they shall say."""

from tests.unit.inventory.bad_facts.row import Bad

GOOD = "  ttl: 300\n"
SERVER = "  server: 198.51.100.10\n"


def _dns(text: str, at: str, says: str) -> Bad:
    return Bad(GOOD, f"{GOOD}{text}", at, says)


ROWS = {
    "a provider beside a server": _dns(
        "  provider: {python_class: octodns_route53.Route53Provider}\n",
        "provider:",
        "dns.provider: dns.server is set as well; allowed: one of the two",
    ),
    "a provider without a module": Bad(
        SERVER,
        "  provider: {python_class: Route53Provider}\n",
        "provider:",
        "dns.provider.python_class: 'Route53Provider'; allowed: a module and a class, as in octodns_route53",
    ),
    "an option from the environment": Bad(
        SERVER,
        "  provider:\n    python_class: a.B\n    options: {token: env/TOKEN}\n",
        "options:",
        "dns.provider.options.token: 'env/TOKEN': the environment is not read here; a secret",
    ),
    "an option that is a list": Bad(
        SERVER,
        "  provider:\n    python_class: a.B\n    options: {zones: [a]}\n",
        "options:",
        "dns.provider.options.zones: ['a']: no plain value; allowed: text, a number, or true or false",
    ),
    "a policy where the policies stand": _dns(
        "  dmarc: reject\n",
        "dmarc:",
        "dns.dmarc: 'reject'; allowed: a mapping with the keys policy, subdomains, alignment, reports",
    ),
    "a DMARC policy of no kind": _dns(
        "  dmarc: {policy: bounce}\n",
        "dmarc:",
        "dns.dmarc.policy: 'bounce'; allowed: none, quarantine or reject (For the served domains)",
    ),
    "reports to nobody": _dns(
        "  dmarc: {reports: [mailto:a@b.example c]}\n",
        "dmarc:",
        "dns.dmarc.reports entry 1: 'mailto:a@b.example c'; allowed: a mail address",
    ),
    "reports in plain HTTP": _dns(
        "  tls_reports: ['http://reports.example/']\n",
        "tls_reports:",
        "dns.tls_reports entry 1: 'http://reports.example/'; allowed: a mail address, or a URL from https://",
    ),
    "more includes than receivers look up": _dns(
        f"  spf: {{include: [{', '.join(f's{number}.example' for number in range(11))}]}}\n",
        "spf:",
        "dns.spf.include: ['s0.example'",
    ),
    "an include twice": _dns(
        "  spf: {include: [a.example, a.example]}\n",
        "spf:",
        "dns.spf.include entry 2: 'a.example': listed twice; allowed: once",
    ),
    "an MTA-STS mode of no kind": _dns(
        "  mta_sts: {mode: strict}\n",
        "mta_sts:",
        "dns.mta_sts.mode: 'strict'; allowed: none, testing or enforce (What it says; left out",
    ),
    "an authority that could break out of its quotes": _dns(
        """  caa: {issuers: ['ca.example; a="b"']}\n""",
        "caa:",
        "allowed: the domain by which an authority knows itself",
    ),
    "a key of DANE that is no path of a host": _dns(
        "  dane: {publish: true, next_key: 'next/{name}.key'}\n",
        "dane:",
        "dns.dane.next_key: 'next/{name}.key': a placeholder other than {fqdn}",
    ),
    "a resolver that no other host could ask": _dns(
        "  resolvers: [127.0.0.53]\n",
        "resolvers:",
        "dns.resolvers entry 1: '127.0.0.53': loopback, unspecified and multicast addresses are no",
    ),
    "a zone twice": _dns(
        "  zones: [hosts.example, hosts.example]\n",
        "zones:",
        "dns.zones entry 2: 'hosts.example': listed twice; allowed: once",
    ),
    "a misspelt kind of record": _dns(
        "  mtasts: {mode: enforce}\n",
        "mtasts:",
        "dns.mtasts: no such key. Did you mean mta_sts? Allowed here: server, port, provider",
    ),
}
