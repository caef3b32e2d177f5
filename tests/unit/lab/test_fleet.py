from inventory.load import load_exchange
from lab.settings import FLEET, ROOT
from twinmx.aliases.inventory import load_aliases


def test_the_lab_makes_the_hosts_that_the_fleets_inventory_names() -> None:
    exchange = load_exchange(ROOT / "inventory" / "fleet.yml")

    assert [(host.fqdn, host.address) for host in exchange.exchangers.values()] == [
        (host.fqdn, host.address) for host in FLEET.hosts
    ]
    assert exchange.domains == FLEET.domains
    aliases = load_aliases(ROOT / exchange.aliases_file, exchange.domains)
    assert FLEET.probe_alias in [alias.address for alias in aliases]
