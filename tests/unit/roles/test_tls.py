"""A certificate that cannot serve its host is refused on the controller."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inventory.load import InventoryError
from lab import pki
from roles.tls import check_pair, read_files
from tests.unit.roles.exchanges import exchange, site

MX1 = "mx1.alias.example"
OTHER = "mx2.alias.example"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a pair for each of two hosts."""
    directory = tmp_path_factory.mktemp("tls")
    pki.ensure([MX1, OTHER], directory)
    return directory


def told(fqdn: str, certificate: Path, key: Path) -> str:
    with pytest.raises(InventoryError) as refused:
        check_pair(fqdn, certificate, key)
    return str(refused.value)


def test_a_pair_is_taken_as_it_is(certificates: Path) -> None:
    chain, key = check_pair(MX1, certificates / f"{MX1}.pem", certificates / f"{MX1}.key")

    assert chain == (certificates / f"{MX1}.pem").read_bytes()
    assert key == (certificates / f"{MX1}.key").read_bytes()


def test_a_key_of_another_certificate_is_refused(certificates: Path) -> None:
    key = certificates / f"{OTHER}.key"

    assert f"{key} is not the key of" in told(MX1, certificates / f"{MX1}.pem", key)


def test_a_certificate_for_another_name_is_refused(certificates: Path) -> None:
    reason = told(MX1, certificates / f"{OTHER}.pem", certificates / f"{OTHER}.key")

    assert f"is not for {MX1}; allowed: one that names it" in reason


def test_a_certificate_for_all_hosts_of_the_domain_serves(tmp_path: Path) -> None:
    pki.ensure(["*.alias.example"], tmp_path)

    check_pair(MX1, tmp_path / "*.alias.example.pem", tmp_path / "*.alias.example.key")
    assert "is not for" in told(
        "mx1.deep.alias.example", tmp_path / "*.alias.example.pem", tmp_path / "*.alias.example.key"
    )


@pytest.mark.parametrize(
    "left",
    [
        pytest.param(timedelta(days=-1), id="ended"),
        pytest.param(timedelta(hours=23), id="ends within a day"),
    ],
)
def test_a_certificate_that_has_ended_or_soon_will_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: timedelta
) -> None:
    monkeypatch.setattr(pki, "CLOCK_SKEW", timedelta(days=2))
    monkeypatch.setattr(pki, "HOST_LIFE", left)
    pki.ensure([MX1], tmp_path)
    ends = (datetime.now(UTC) + left).strftime("%Y-%m-%d")

    reason = told(MX1, tmp_path / f"{MX1}.pem", tmp_path / f"{MX1}.key")

    assert f"ends {ends}" in reason
    assert "renew it first" in reason


def test_a_file_that_is_missing_is_named_with_its_knob(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"

    assert f"tls.certificate: {missing}: No such file or directory" in told(MX1, missing, missing)


def test_a_file_that_is_no_certificate_is_refused(certificates: Path, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nothing\n")

    assert "cannot be used" in told(MX1, nonsense, certificates / f"{MX1}.key")
    assert "cannot be used" in told(MX1, certificates / f"{MX1}.pem", nonsense)


def test_the_key_reaches_the_host_for_root_alone(certificates: Path) -> None:
    knobs = {"certificate": f"{certificates}/{{fqdn}}.pem", "key": f"{certificates}/{{fqdn}}.key"}

    certificate, key = read_files(site(exchange(tls=knobs), "mx2"))

    assert certificate.state["mode"] == "0644"
    assert (key.state["mode"], key.state["user"]) == ("0400", "root")
    assert getattr(key, "secret", False)
