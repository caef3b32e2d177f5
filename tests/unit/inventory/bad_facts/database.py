"""Mistakes about the database of the aliases."""

from tests.unit.inventory.bad_facts.row import Bad

ROWS = {
    "database without a name": Bad(
        "  fqdn: db.alias.example\n", "", "database:", "database.fqdn: missing; allowed: a full domain name"
    ),
    "database that nobody vouches for": Bad(
        "  authority: /etc/twinmx/tls/ca.pem\n",
        "",
        "database:",
        "database.authority: missing; allowed: the path of a file (PEM file on the controller with",
    ),
    "database on an exchanger": Bad(
        "address: 198.51.100.13",
        "address: 198.51.100.12",
        "address: 198.51.100.12",
        "database.address: '198.51.100.12': mx2 has the same; allowed: a host of its own",
    ),
    "user that is no name": Bad(
        "  fqdn: db.alias.example",
        "  user: exchanger; DROP\n  fqdn: db.alias.example",
        "user:",
        "database.user: 'exchanger; DROP'; allowed: a name in PostgreSQL: a letter, then letters",
    ),
    "database never looked at": Bad(
        "  fqdn: db.alias.example",
        "  poll_seconds: 0\n  fqdn: db.alias.example",
        "poll_seconds",
        "database.poll_seconds: 0; allowed: a whole number from 1 to 300 (The longest time between",
    ),
    "aliases from nowhere": Bad(
        "aliases_file:",
        "alias_source: mysql\naliases_file:",
        "alias_source",
        "alias_source: 'mysql'; allowed: file or postgresql (Where the exchangers take the aliases from",
    ),
}
