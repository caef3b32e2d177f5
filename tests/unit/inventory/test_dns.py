"""What the inventory says of DNS is tried before pyinfra connects to anything."""

import pytest

from inventory.hosts import hosts_of
from inventory.load import InventoryError
from tests.unit.inventory.files import Files, spoil


def refusal(files: Files) -> str:
    with pytest.raises(InventoryError) as refused:
        hosts_of(str(files.facts), connection={}, flags={})
    return str(refused.value)


def test_a_provider_that_is_not_installed_is_told(files: Files) -> None:
    spoil(files.facts, "server: 198.51.100.10", "provider: {python_class: octodns_nowhere.Provider}")

    assert refusal(files).startswith("dns.provider.python_class: octodns_nowhere.Provider: No module named")


def test_a_provider_needs_no_update_key(files: Files) -> None:
    files.secrets.write_text(files.secrets.read_text().partition("tsig_keys:")[0])
    yaml = "{python_class: octodns.provider.yaml.YamlProvider, options: {directory: zones}}"
    spoil(files.facts, "server: 198.51.100.10", f"provider: {yaml}")

    exchangers, _, _ = hosts_of(str(files.facts), connection={}, flags={})

    assert len(exchangers) == 2


def test_a_key_that_dane_cannot_publish_is_told(files: Files) -> None:
    spoil(files.facts, "  ttl: 300\n", "  ttl: 300\n  dane: {publish: true}\n")

    told = "tls.certificate: /etc/twinmx/tls/mx1.alias.example.pem: No such file or directory; dns.dane"
    assert refusal(files).startswith(told)
