"""The example for production works as it stands, given its secrets; its names and addresses are nobody's."""

import ipaddress
import runpy
from pathlib import Path

import pytest

import inventory.hosts
from inventory.document import FOLDER
from inventory.load import InventoryError, load_exchange
from inventory.secret_source import SecretSource
from inventory.secrets import Secrets, load_secrets
from tests.unit.inventory.files import Files

DOCUMENTATION = [
    ipaddress.ip_network(network)  # RFC 5737, RFC 3849
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@pytest.fixture
def asked_for(files: Files, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths at which secrets were looked for; the test's own are found at each."""
    paths: list[Path] = []

    def found(source: SecretSource) -> Secrets:
        paths.append(Path(source.path or ""))
        return load_secrets(source.model_copy(update={"path": str(files.secrets)}))

    monkeypatch.setattr(inventory.hosts, "the_secrets", found)
    monkeypatch.chdir(FOLDER.parent)
    return paths


def test_the_example_gives_two_hosts(asked_for: list[Path]) -> None:
    names = runpy.run_path(str(FOLDER / "production.py"))

    hosts = {name: data["ssh_hostname"] for name, data in names["exchangers"]}
    assert hosts == {"mx1": "203.0.113.11", "mx2": "203.0.113.12"}
    assert [name for name, _ in names["controller"]] == ["@local"]
    (path,) = asked_for
    assert path.is_absolute()
    assert not path.is_relative_to(FOLDER.parent)


def test_its_dns_stays_untouched() -> None:
    assert load_exchange(FOLDER / "production.yml").dns.server is None


def test_its_commented_dns_is_accepted(files: Files) -> None:
    text = (FOLDER / "production.yml").read_text()
    files.facts.write_text(
        text.replace("# dns:", "dns:").replace("#   server", "  server").replace("#   ttl", "  ttl")
    )

    assert str(load_exchange(files.facts).dns.server) == "203.0.113.53"


def test_its_addresses_and_names_are_for_documentation() -> None:
    exchange = load_exchange(FOLDER / "production.yml")

    for host in exchange.exchangers.values():
        for address in (host.address, host.address6):
            assert any(address in network for network in DOCUMENTATION)
        assert host.fqdn.endswith(".example.net")
    assert all(domain in ("example.org", "example.com") for domain in exchange.domains)


def test_without_its_secrets_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER.parent)
    if Path(load_exchange(FOLDER / "production.yml").secrets_from.path or "").exists():
        pytest.skip("this machine has such a file")

    with pytest.raises(
        InventoryError, match=r"^/etc/twinmx/secrets\.yml: cannot be read: .*; it holds the secrets"
    ):
        runpy.run_path(str(FOLDER / "production.py"))


def test_its_commented_receivers_are_accepted(files: Files) -> None:
    head, _, rest = (FOLDER / "production.yml").read_text().partition("  # receivers:")
    commented, access, tail = f"  # receivers:{rest}".partition("\naccess:")
    files.facts.write_text(head + commented.replace("  # ", "  ") + access + tail)

    monitors = load_exchange(files.facts).monitors

    assert set(monitors.receivers) == {"oncall", "board"}
    assert monitors.routes["desk"].times == ("office",)
