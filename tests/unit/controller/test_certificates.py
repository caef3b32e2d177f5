"""Which certificates are renewed, and when a key may change."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from typer.testing import CliRunner

from controller import pyinfra
from controller.acme import commands, renewing
from controller.acme.challenges import challenge_name
from controller.cli import app
from controller.errors import ControllerError
from inventory.schema import Exchange
from lab import pki
from tests.unit.roles.exchanges import exchange

MX1, MX2 = "mx1.alias.example", "mx2.alias.example"
POLICIES = ("mta-sts.alias.example", "mta-sts.masked.example")
ACME = {"directory": "https://ca.example/dir", "account_key": "account.pem"}
TTL = 300


def of(mode: str | None = None) -> Exchange:
    """An exchange with certificates by ACME, with an MTA-STS policy or without."""
    dns: dict[str, object] = {"server": "198.51.100.10"} | ({"mta_sts": {"mode": mode}} if mode else {})
    return exchange(tls={"certificate": "{fqdn}.pem", "key": "{fqdn}.key", "acme": ACME}, dns=dns)


def reasons(exchanged: Exchange, root: Path, now: datetime | None = None) -> dict[str, str]:
    return {one.host: one.reason for one in renewing.wanted(exchanged, root, now)}


def test_a_certificate_that_is_good_is_left_alone(tmp_path: Path) -> None:
    pki.ensure([MX1, MX2], tmp_path)

    assert reasons(of(), tmp_path) == {"mx1": "", "mx2": ""}


def test_a_missing_one_and_one_that_ends_soon_are_due(tmp_path: Path) -> None:
    pki.ensure([MX1], tmp_path)
    soon = datetime.now(UTC) + pki.HOST_LIFE - timedelta(days=29)

    assert reasons(of(), tmp_path, soon) == {"mx1": "it ends in 28 days", "mx2": "there is none"}


def test_one_that_lacks_the_name_of_a_policy_is_due(tmp_path: Path) -> None:
    pki.ensure([MX1, MX2], tmp_path, also={MX1: POLICIES})

    assert reasons(of("testing"), tmp_path) == {"mx1": "", "mx2": f"it is not for {', '.join(POLICIES)}"}


def test_a_key_is_drawn_once_for_its_owner_alone_and_then_kept(tmp_path: Path) -> None:
    file = tmp_path / "new" / "mx1.key"

    drawn, again = renewing.kept_key(file), renewing.kept_key(file)

    assert isinstance(drawn, EllipticCurvePrivateKey)
    assert drawn.public_key() == again.public_key()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_not_in_dns_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(ControllerError, match="not in DNS yet"):
        renewing.ripe(tmp_path / "next", published=False, ttl=TTL)


def test_a_key_is_used_two_ttls_after_it_was_seen_in_dns(tmp_path: Path) -> None:
    file = tmp_path / "next"

    assert renewing.ripe(file, published=True, ttl=TTL, now=1000.0) == 2 * TTL
    assert renewing.ripe(file, published=True, ttl=TTL, now=1000.0 + 2 * TTL - 1) == 1
    assert renewing.ripe(file, published=True, ttl=TTL, now=1000.0 + 2 * TTL) == 0


def test_a_key_that_was_taken_out_of_dns_waits_anew(tmp_path: Path) -> None:
    file = tmp_path / "next"
    renewing.ripe(file, published=True, ttl=TTL, now=1000.0)

    with pytest.raises(ControllerError):
        renewing.ripe(file, published=False, ttl=TTL, now=1100.0)
    assert renewing.ripe(file, published=True, ttl=TTL, now=1200.0) == 2 * TTL


def test_the_next_key_becomes_the_key_and_another_one_follows(tmp_path: Path) -> None:
    key, following = tmp_path / "key", tmp_path / "next"
    renewing.kept_key(key)
    before = renewing.kept_key(following).public_key()

    renewing.take_next_key(following, key)

    assert following.exists()
    assert renewing.kept_key(key).public_key() == before
    assert renewing.kept_key(following).public_key() != before


def test_the_text_for_a_wildcard_is_at_its_domain() -> None:
    assert (
        challenge_name("*.alias.example")
        == challenge_name("alias.example")
        == "_acme-challenge.alias.example"
    )


def test_without_a_server_that_takes_updates_acme_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    served = of()
    alone = served.model_copy(update={"dns": served.dns.model_copy(update={"server": None})})
    monkeypatch.setattr(commands, "exchange_of", lambda _: alone)

    done = CliRunner().invoke(app, ["certificates", "plan", "inventory/lab.py"])

    assert done.exit_code == 1
    assert "tls.acme: dns.server is not set; allowed: with a name server that takes updates" in done.output


def test_the_first_certificates_are_ordered_though_dane_publishes_their_keys(tmp_path: Path) -> None:
    """The inventory is refused for a converge as long as they are not there."""
    raw = yaml.safe_load((pyinfra.ROOT / "inventory/production.yml").read_text())
    raw["tls"] = {"certificate": f"{tmp_path}/{{fqdn}}.pem", "key": f"{tmp_path}/{{fqdn}}.key", "acme": ACME}
    raw["dns"] = {"server": "203.0.113.53", "dane": {"publish": True}}
    (tmp_path / "yours.yml").write_text(yaml.safe_dump(raw))
    inventory = tmp_path / "yours.py"
    text = (pyinfra.ROOT / "inventory/production.py").read_text()
    inventory.write_text(text.replace("inventory/production.yml", f"{tmp_path}/yours.yml"))

    done = CliRunner().invoke(app, ["certificates", "plan", str(inventory)])

    assert done.exit_code == 2, done.output
    assert done.output.splitlines() == ["mx1: there is none", "mx2: there is none"]


def test_the_next_keys_of_all_are_drawn_before_any_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = of()
    dane = served.dns.dane.model_copy(update={"next_key": "{fqdn}.next"})
    exchanged = served.model_copy(update={"dns": served.dns.model_copy(update={"dane": dane})})
    monkeypatch.setattr(commands, "_published", lambda *_: set())

    with pytest.raises(ControllerError) as refused:
        commands._all_following(exchanged, tmp_path, ["mx1", "mx2"])

    assert str(refused.value).count("its TLSA record is not in DNS yet") == 2
    assert [(tmp_path / f"{name}.next").exists() for name in (MX1, MX2)] == [True, True]
