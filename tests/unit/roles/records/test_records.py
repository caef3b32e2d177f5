"""The records that an exchange wants, kind by kind."""

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from inventory.load import InventoryError
from inventory.schema import Exchange
from lab.pki import ensure
from roles.lib.records.keys import published_keys
from roles.lib.records.mta_sts import mta_sts_policy
from roles.lib.records.mx import mx_preferences
from roles.lib.records.wanted import text_of
from tests.unit.roles.exchanges import IPV6, MX1, MX2, MX3, exchange, secrets
from tests.unit.roles.records.made import complete, keys, records, values

RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d010101")  # its object identifier in DER (RFC 8017, A.1)
SERVER = {"server": "198.51.100.10"}


def texts(of: Exchange, name: str) -> list[str]:
    return [text_of(value) for value in values(of, name, "TXT")]


def test_every_exchanger_is_an_mx_with_its_priority() -> None:
    assert set(values(exchange(MX1, MX2, MX3), "alias.example", "MX")) == {
        "10 mx1.alias.example.",
        "20 mx2.alias.example.",
        "5 mx3.elsewhere.example.",
    }


def test_primary_swaps_the_priorities_and_nothing_else() -> None:
    usual, swapped = records(exchange()), records(exchange(flags={"primary": "mx2"}))

    assert set(swapped["alias.example", "MX"].values) == {"20 mx1.alias.example.", "10 mx2.alias.example."}
    assert {key for key in usual if usual[key] != swapped[key]} == {
        ("alias.example", "MX"),
        ("masked.example", "MX"),
    }
    assert usual.keys() == swapped.keys()


@pytest.mark.parametrize(
    ("demoted", "preferences"),
    [
        ((), {"mx3": 5, "mx1": 10, "mx2": 20}),
        (("mx3",), {"mx1": 5, "mx2": 10, "mx3": 20}),
        (("mx1", "mx3"), {"mx2": 5, "mx3": 10, "mx1": 20}),
    ],
)
def test_who_is_demoted_stands_behind_the_others_and_all_stay_listed(
    demoted: tuple[str, ...], preferences: dict[str, int]
) -> None:
    assert mx_preferences(exchange(MX1, MX2, MX3), demoted) == preferences


def test_a_drained_host_stays_in_the_records() -> None:
    """It is back within minutes; senders who find port 25 closed go on to the next by themselves."""
    dns = SERVER | {"mta_sts": {"mode": "enforce"}}

    assert records(exchange(flags={"drain": "mx2"}, dns=dns)) == records(exchange(dns=dns))


def test_each_exchangers_name_leads_to_its_addresses() -> None:
    of = exchange(MX1 | IPV6, MX2, MX3)

    assert values(of, "mx1.alias.example", "A") == ("198.51.100.11",)
    assert values(of, "mx1.alias.example", "AAAA") == ("2001:db8:1::11",)
    assert ("mx2.alias.example", "AAAA") not in records(of)
    assert values(of, "mx3.elsewhere.example", "A") == ("198.51.100.13",)


def test_spf_names_every_address_mail_leaves_from() -> None:
    dns = SERVER | {"spf": {"include": ["news.example"], "others": "softfail"}}

    assert texts(exchange(MX1 | IPV6, MX2), "masked.example") == [
        "v=spf1 ip4:198.51.100.11 ip4:198.51.100.12 ip6:2001:db8:1::11 -all"
    ]
    assert texts(exchange(dns=dns), "alias.example") == [
        "v=spf1 ip4:198.51.100.11 ip4:198.51.100.12 include:news.example ~all"
    ]


def test_spf_of_a_host_covers_bounces_which_have_no_sender_but_its_name() -> None:
    assert texts(exchange(), "mx2.alias.example") == ["v=spf1 a -all"]


def test_dmarc_says_what_is_not_so_anyway() -> None:
    dmarc = {
        "policy": "quarantine",
        "subdomains": "reject",
        "alignment": "strict",
        "reports": ["daily,report!@alias.example", "dmarc@reports.example"],
    }
    of = exchange(dns=SERVER | {"dmarc": dmarc})

    assert texts(exchange(), "_dmarc.alias.example") == ["v=DMARC1; p=reject"]
    assert texts(of, "_dmarc.masked.example") == [
        "v=DMARC1; p=quarantine; sp=reject; adkim=s; aspf=s; "
        "rua=mailto:daily%2Creport%21@alias.example,mailto:dmarc@reports.example"
    ]


def test_another_domain_has_to_agree_to_get_reports() -> None:
    found = {name for name, _ in records() if "_report" in name}

    assert found == {f"{domain}._report._dmarc.reports.example" for domain in complete().domains}
    assert texts(complete(), "alias.example._report._dmarc.reports.example") == ["v=DMARC1"]


@pytest.mark.parametrize("address", ["dmarc@alias.example", "dmarc@in.alias.example"])
def test_a_relative_need_not_agree(address: str) -> None:
    of = exchange(domains=["alias.example"], dns=SERVER | {"dmarc": {"reports": [address]}})

    assert not [name for name, _ in records(of) if "_report" in name]


def test_each_dkim_key_stands_under_its_selector_and_is_the_secrets_public_part() -> None:
    found = records()
    selectors = ["k1-rsa", "k1-ed25519", "k2-rsa", "k2-ed25519"]

    assert [name for name, _ in found if name.endswith("._domainkey.alias.example")] == [
        f"{selector}._domainkey.alias.example" for selector in selectors
    ]
    for selector in selectors:
        (text,) = texts(complete(), f"{selector}._domainkey.masked.example")
        tags = dict(part.split("=", 1) for part in text.split("; "))
        public = base64.b64decode(tags.pop("p"), validate=True)
        assert tags == {"v": "DKIM1", "h": "sha256", "k": selector.partition("-")[2]}
        if tags["k"] == "rsa":
            key = load_der_public_key(public)
            assert isinstance(key, RSAPublicKey)
            assert key.key_size == 2048
            assert key == keys().dkim[selector]
            assert RSA_ENCRYPTION in public, "a SubjectPublicKeyInfo, which names its algorithm"
        else:
            assert Ed25519PublicKey.from_public_bytes(public) == keys().dkim[selector]


def test_the_mta_sts_policy_lists_both_exchangers_whatever_is_drained_or_demoted() -> None:
    dns = SERVER | {"mta_sts": {"mode": "testing", "max_age_seconds": 86_400}}
    hosts = "mx: mx1.alias.example\r\nmx: mx2.alias.example\r\n"
    policy = f"version: STSv1\r\nmode: testing\r\n{hosts}max_age: 86400\r\n"

    for flags in {}, {"drain": "mx1"}, {"primary": "mx2"}:
        assert mta_sts_policy(exchange(flags=flags, dns=dns)) == policy


def test_the_policy_id_changes_with_the_policy_and_only_then() -> None:
    def policy_id(**knobs: object) -> str:
        of = exchange(dns=SERVER | {"mta_sts": {"mode": "enforce"} | knobs})
        (text,) = texts(of, "_mta-sts.alias.example")
        assert text.startswith("v=STSv1; id=")
        return text.removeprefix("v=STSv1; id=").removesuffix(";")

    assert policy_id() == policy_id()
    assert len({policy_id(), policy_id(mode="testing"), policy_id(max_age_seconds=90_000)}) == 3
    assert policy_id().isalnum()
    assert len(policy_id()) <= 32


def test_the_policy_host_is_both_exchangers_or_the_one_that_is_named() -> None:
    elsewhere = exchange(dns=SERVER | {"mta_sts": {"mode": "enforce", "host": "mta-sts.alias.example"}})

    assert values(complete(), "mta-sts.masked.example", "A") == ("198.51.100.11", "198.51.100.12")
    assert values(complete(), "mta-sts.masked.example", "AAAA") == ("2001:db8:1::11",)
    assert values(elsewhere, "mta-sts.masked.example", "CNAME") == ("mta-sts.alias.example.",)
    assert ("mta-sts.alias.example", "CNAME") not in records(elsewhere)


def test_tls_reports_go_where_they_shall() -> None:
    targets = ["tls@reports.example", "https://reports.example/a,b;c"]
    of = exchange(dns=SERVER | {"tls_reports": targets})

    assert texts(of, "_smtp._tls.alias.example") == [
        "v=TLSRPTv1; rua=mailto:tls@reports.example,https://reports.example/a%2Cb%3Bc"
    ]


def test_tlsa_has_the_current_key_and_the_next() -> None:
    current, following = keys().tls["mx1.alias.example"]

    assert values(complete(), "_25._tcp.mx1.alias.example", "TLSA") == (
        f"3 1 1 {hashlib.sha256(current).hexdigest()}",
        f"3 1 1 {hashlib.sha256(following).hexdigest()}",
    )
    assert ("_25._tcp.mx2.alias.example", "TLSA") not in records()


def test_tls_keys_are_those_of_the_files(tmp_path: Path) -> None:
    """The certificate, and a next key that is a private key alone: both are the same key here."""
    ensure(["mx1.alias.example", "mx2.alias.example"], tmp_path)
    dane = {"publish": True, "next_key": "{fqdn}.key"}
    of = exchange(dns=SERVER | {"dane": dane}, tls={"certificate": "{fqdn}.pem", "key": "{fqdn}.key"})

    found = published_keys(of, secrets(), tmp_path).tls

    assert found.keys() == {"mx1.alias.example", "mx2.alias.example"}
    assert found["mx1.alias.example"] != found["mx2.alias.example"]
    for current, following in found.values():
        assert current == following


@pytest.mark.parametrize(("content", "says"), [(None, "No such file"), (b"nothing", "allowed: PEM")])
def test_a_next_key_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None, says: str) -> None:
    ensure(["mx1.alias.example", "mx2.alias.example"], tmp_path)
    if content:
        (tmp_path / "next.pem").write_bytes(content)
    dane = {"publish": True, "next_key": "next.pem"}
    of = exchange(dns=SERVER | {"dane": dane}, tls={"certificate": "{fqdn}.pem", "key": "{fqdn}.key"})

    with pytest.raises(InventoryError, match=rf"dns\.dane\.next_key: .*next\.pem: .*{says}"):
        published_keys(of, secrets(), tmp_path)


def test_caa_stands_at_the_names_we_need_certificates_for() -> None:
    found = {name for name, kind in records() if kind == "CAA"}

    assert found == {
        "mx1.alias.example",
        "mx2.alias.example",
        "mta-sts.alias.example",
        "mta-sts.masked.example",
    }
    assert values(complete(), "mx1.alias.example", "CAA") == (
        '0 issue "ca.example; validationmethods=dns-01"',
        '0 iodef "mailto:ca@reports.example"',
    )


def test_caa_at_the_domains_is_asked_for() -> None:
    of = exchange(dns=SERVER | {"caa": {"issuers": ["ca.example"], "domains": True}})

    assert {name for name, kind in records(of) if kind == "CAA"} > {"alias.example", "masked.example"}


def test_what_needs_a_value_is_off_until_it_is_given() -> None:
    kinds = {kind for _, kind in records(exchange())}
    names = {name for name, _ in records(exchange())}

    assert kinds - {"TLSA"} == {"MX", "A", "TXT"}  # TLSA: of the keys, which are given here
    assert not [name for name in names if name.startswith(("_mta-sts", "mta-sts", "_smtp._tls"))]
