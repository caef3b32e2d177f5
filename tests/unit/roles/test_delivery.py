"""How the resolver, DANE, MTA-STS and the served policy are set up from the inventory."""

from pathlib import Path

import pytest

from inventory.load import InventoryError
from lab import pki
from roles import delivery, firewall, policy, postfix, resolver, tls
from roles.lib.records.mta_sts import mta_sts_policy
from tests.unit.roles.exchanges import DATABASE, IPV6, MX1, MX2, exchange, site
from tests.unit.roles.rendered import named, parameters, text

SERVING = {"server": "198.51.100.10", "mta_sts": {"mode": "testing"}}
ELSEWHERE = {"server": "198.51.100.10", "mta_sts": {"mode": "testing", "host": "policy.elsewhere.example"}}


def out(**changes: object) -> dict[str, str]:
    return parameters(text(named(postfix.render_out(site(exchange(**changes))), "main.cf")))  # type: ignore[arg-type]


def unbound(**knobs: object) -> list[str]:
    files = resolver.render_files(site(exchange(resolver=knobs)))
    return [line.strip() for line in text(named(files, "unbound.conf")).splitlines()]


def test_mail_leaves_by_dane_and_dane_is_asked_before_mta_sts() -> None:
    main = out()

    assert (main["smtp_tls_security_level"], main["smtp_dns_support_level"]) == ("dane", "dnssec")
    assert main["smtp_tls_policy_maps"] == (
        "socketmap:inet:127.0.0.1:20389:dane socketmap:inet:127.0.0.1:20390:postfix"
    )


def test_the_resolver_validates_from_the_root_and_serves_this_host_alone() -> None:
    lines = unbound()

    assert 'module-config: "validator iterator"' in lines
    assert any(line.startswith("auto-trust-anchor-file:") for line in lines)
    assert [line for line in lines if line.startswith("interface:")] == ["interface: 127.0.0.1@53"]
    assert "forward-zone:" not in lines


def test_the_resolver_forwards_where_the_inventory_says_so() -> None:
    lines = unbound(forward_to=["198.51.100.10"], root_anchor=False, cache_seconds=0)

    assert "forward-addr: 198.51.100.10" in lines
    assert "cache-max-ttl: 0" in lines
    assert not any("trust-anchor-file" in line for line in lines)


def test_without_the_roots_key_postfix_does_not_probe_for_it() -> None:
    assert out(resolver={"root_anchor": False})["dnssec_probe"] == ""
    assert "dnssec_probe" not in out()


def test_anchors_that_cannot_be_read_are_named_before_a_host_is_touched() -> None:
    with pytest.raises(InventoryError, match=r"resolver\.anchors: nowhere"):
        resolver.render_files(site(exchange(resolver={"anchors": "nowhere"})))


def test_both_sides_of_mta_sts_trust_the_same_authorities(tmp_path: Path) -> None:
    pki.ensure([], tmp_path)
    trusted = {"certificate": "c", "key": "k", "authorities": str(tmp_path / "ca.pem")}
    files = delivery.render_sts(site(exchange(tls=trusted)))

    place = delivery.OWN_AUTHORITIES
    assert text(named(files, "authorities.pem")) == (tmp_path / "ca.pem").read_text()
    assert f"Environment=SSL_CERT_FILE={place}" in text(named(files, "twinmx.conf"))
    assert out(tls=trusted)["smtp_tls_CAfile"] == place
    assert out()["smtp_tls_CAfile"] == delivery.PACKAGED_AUTHORITIES


@pytest.mark.parametrize(
    ("dns", "reachable"),
    [(SERVING, True), (ELSEWHERE, False), ({}, False)],
    ids=["ours", "elsewhere", "none"],
)
def test_https_is_open_only_where_the_exchangers_serve_a_policy(
    dns: dict[str, object], reachable: bool
) -> None:
    rules = firewall.render_rules(site(exchange(dns=dns))).data.decode()

    assert ("tcp dport 443 accept" in rules) == reachable


def test_the_policy_is_served_for_each_domain_by_its_own_name_and_no_other() -> None:
    of = exchange(dns=SERVING)
    files = policy.render_files(site(of))
    said = text(named(files, "nginx.conf"))

    assert "server_name mta-sts.alias.example mta-sts.masked.example;" in said
    assert "ssl_reject_handshake on;" in said
    assert text(named(files, "mta-sts.txt")) == mta_sts_policy(of)


def test_a_drained_host_stays_in_the_policy_that_its_peer_serves() -> None:
    drained = exchange(flags={"drain": "mx1"}, dns=SERVING)

    assert mta_sts_policy(drained) == mta_sts_policy(exchange(dns=SERVING))


def test_the_policy_is_served_on_ipv6_where_the_host_has_it() -> None:
    of = exchange(MX1 | IPV6, MX2, dns=SERVING)

    assert "listen [::]:443 ssl;" in text(named(policy.render_files(site(of)), "nginx.conf"))


def test_a_certificate_without_the_policys_names_is_refused(tmp_path: Path) -> None:
    fqdn = str(MX1["fqdn"])
    pki.ensure([fqdn], tmp_path)
    files = {"certificate": str(tmp_path / "{fqdn}.pem"), "key": str(tmp_path / "{fqdn}.key")}
    of = exchange(tls=files, dns=SERVING)

    with pytest.raises(InventoryError, match=r"is not for mta-sts\.alias\.example, mta-sts\.masked\.example"):
        tls.read_files(site(of))
    pki.ensure([fqdn], tmp_path, also={fqdn: ("mta-sts.alias.example", "mta-sts.masked.example")})
    assert tls.read_files(site(of))


def test_a_host_of_the_database_serves_no_policy() -> None:
    of = exchange(database=DATABASE, alias_source="postgresql", dns=SERVING)

    assert "443" not in firewall.render_rules(site(of, "database")).data.decode()
