"""Mistakes about the exchangers: their names and addresses, and who may reach them."""

from tests.unit.inventory.bad_facts.row import HOST, Bad

DOMAINS = "domains: [alias.example, masked.example]"
NET = "ssh_from: [198.51.100.0/24]"
NAME_RULE = "allowed: a full domain name, as in mx1.alias.example"
HOST_RULE = "allowed: the IPv4 address of one host, as in 203.0.113.11"
NET_RULE = "allowed: a network with its prefix length, as in 203.0.113.0/24 or 2001:db8::/32"
OWN = "allowed: one of its own for each"

ROWS = {
    "two hosts of one name": Bad(
        "mx2.alias",
        "mx1.alias",
        "mx1.alias",
        f"exchangers.mx2.fqdn: 'mx1.alias.example': mx1 has the same; {OWN}",
    ),
    "two names that differ in case": Bad(
        "mx2.alias", "MX1.alias", "MX1.alias", "exchangers.mx2.fqdn: 'mx1.alias.example': mx1 has the same"
    ),
    "two hosts at one address": Bad(
        ".100.12", ".100.11", ".100.11", f"exchangers.mx2.address: '198.51.100.11': mx1 has the same; {OWN}"
    ),
    "two hosts of one priority": Bad(
        "priority: 20",
        "priority: 10",
        "priority: 10",
        f"exchangers.mx2.mx_priority: 10: mx1 has the same; {OWN}",
    ),
    "peer address of another host": Bad(
        HOST,
        f"    peer_address: 198.51.100.11\n{HOST}",
        "peer_address",
        "mx2.peer_address: '198.51.100.11': is the address of mx1; allowed: an address of mx2 itself",
    ),
    "no exchanger": Bad(
        "domains: [alias.example, masked.example]\nexchangers:",
        "domains: [alias.example]\nexchangers: {}\nhosts:",
        "exchangers: {}",
        "exchangers: {}; allowed: one or more names, each with a mapping with the keys fqdn, address",
    ),
    "short name": Bad(
        "  mx2:",
        "  MX-2:",
        "MX-2",
        "exchangers.MX-2: 'MX-2'; allowed: a short host name: a letter, then letters",
    ),
    "priority too high": Bad(
        "mx_priority: 20",
        "mx_priority: 65536",
        "65536",
        "exchangers.mx2.mx_priority: 65536; allowed: a whole number from 0 to 65535",
    ),
    "no address": Bad(
        "198.51.100.12",
        "198.51.100.312",
        ".312",
        f"mx2.address: '198.51.100.312': not an address; {HOST_RULE}",
    ),
    "number as address": Bad(
        "198.51.100.12", "12", "address: 12", f"exchangers.mx2.address: 12: not an address; {HOST_RULE}"
    ),
    "yes as address": Bad("198.51.100.12", "yes", "address: yes", f"True: not an address; {HOST_RULE}"),
    "loopback as address": Bad(
        "198.51.100.12",
        "127.0.0.1",
        "127.0.0.1",
        f"'127.0.0.1': loopback, unspecified and multicast addresses are no host's own; {HOST_RULE}",
    ),
    "name without a domain": Bad(
        HOST, "    fqdn: mx2", "fqdn: mx2", "exchangers.mx2.fqdn: 'mx2': the domain is"
    ),
    "name with a final dot": Bad(
        HOST,
        HOST + ".",
        "example.",
        f"'mx2.alias.example.': the dot at the end is not written here; {NAME_RULE}",
    ),
    "name with an underscore": Bad(
        HOST, "    fqdn: mx_2.a.example", "mx_2", "'mx_2.a.example': the domain is"
    ),
    "address as name": Bad(
        HOST,
        "    fqdn: 198.51.100.12",
        "fqdn: 198",
        f"'198.51.100.12': no top-level domain is a number; an address is no name; {NAME_RULE}",
    ),
    "label too long": Bad("mx2.alias", "m" * 64 + ".alias", "mmm", f"; {NAME_RULE}"),
    "name that is not ASCII": Bad("mx2.alias", "mxé.alias", "mxé", "not ASCII: write it in its xn-- form"),
    "no domains": Bad(
        DOMAINS, "domains: []", "domains", "domains: []; allowed: a list of one or more, each: a full"
    ),
    "one domain, no list": Bad(
        DOMAINS,
        "domains: alias.example",
        "domains",
        "domains: 'alias.example'; allowed: a list of one or more",
    ),
    "domain listed twice": Bad(
        DOMAINS,
        "domains: [a.example, A.example]",
        "domains",
        "domains entry 2: 'a.example': listed twice; allowed: once",
    ),
    "SSH from nowhere": Bad(
        NET, "ssh_from: []", "ssh", "access.ssh_from: []; allowed: a list of one or more, each"
    ),
    "SSH from no network": Bad(
        NET, "ssh_from: [office]", "ssh", f"access.ssh_from entry 1: 'office': not a network; {NET_RULE}"
    ),
    "host bits in a network": Bad(
        NET,
        "ssh_from: [198.51.100.9/24]",
        "ssh",
        f"'198.51.100.9/24': has bits set behind its prefix; the network is 198.51.100.0/24; {NET_RULE}",
    ),
    "no key file": Bad(
        "  key: /etc/twinmx/tls/{fqdn}.key\n", "", "tls:", "tls.key: missing; allowed: the path of"
    ),
    "unknown placeholder": Bad(
        "{fqdn}.key",
        "{host}.key",
        "{host}",
        "tls.key: '/etc/twinmx/tls/{host}.key': a placeholder other than {fqdn}",
    ),
    "group without content": Bad(
        f"\n  {NET}", "", "access", "access: no value; allowed: a mapping with the keys"
    ),
    "no time of the day": Bad(
        NET,
        f'{NET}\n  upgrades_from: "25:00"',
        "upgrades_from",
        "access.upgrades_from: '25:00'; allowed: a time of the day as HH:MM, in quotes",
    ),
    "a time without quotes is a number": Bad(
        NET,
        f"{NET}\n  upgrades_from: 12:30",
        "upgrades_from",
        "access.upgrades_from: 750; allowed: a time of the day as HH:MM, in quotes",
    ),
    "root logs in neither so nor so": Bad(
        NET,
        f"{NET}\n  ssh: {{root_login: password}}",
        "ssh",
        "access.ssh.root_login: 'password'; allowed: key",
    ),
    "no name of a group": Bad(
        NET, f"{NET}\n  ssh: {{groups: [Sudo Ops]}}", "ssh", "allowed: the name of a group, as in sudo"
    ),
}
