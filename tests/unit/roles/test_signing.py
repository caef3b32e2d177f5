"""The signer: which keys it gets, how, and what it may do with them."""

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from inventory.dkim import new_pair
from inventory.secrets import Secrets
from roles import postfix, rspamd, signing
from roles.lib.managed import ManagedFile
from roles.lib.site import Site
from tests.unit.roles.exchanges import exchange, secrets, site
from tests.unit.roles.rendered import named, parameters, services, text


@pytest.fixture(scope="module")
def pairs() -> list[dict[str, str]]:
    return [new_pair("k2"), new_pair("k1")]


@pytest.fixture
def signer(pairs: list[dict[str, str]]) -> Site:
    """A host with two pairs, of which the first signs."""
    told = Secrets.model_validate(secrets().model_dump(mode="python") | {"dkim_keys": pairs})
    return Site(exchange(), "mx1", told)


def block(configuration: str, name: str) -> str:
    """The section `name` of a configuration of Rspamd."""
    found = re.search(rf"^{name} \{{\n(.*?)^\}}", configuration, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def test_the_first_pair_signs_with_both_keys_for_each_served_domain(signer: Site) -> None:
    said = block(text(named(signing.render_files(signer), "rspamd.conf")), "dkim_signing")

    for domain in ("alias.example", "masked.example"):
        assert f'"{domain}" {{' in said
    assert said.count('selector = "k2-rsa"') == said.count('selector = "k2-ed25519"') == 2
    assert "k1" not in said


def test_what_is_forwarded_is_sealed_and_never_signed_and_what_is_ours_the_other_way(signer: Site) -> None:
    """A stranger may put a served domain into From: a signature would make that genuine."""
    configuration = text(named(signing.render_files(signer), "rspamd.conf"))
    settings = block(configuration, "settings")

    assert 'forwarded { id = "forwarded"; apply { symbols_disabled = ["DKIM_SIGNED"]; } }' in settings
    assert 'own { id = "own"; apply { symbols_disabled = ["ARC_SIGNED"]; } }' in settings
    for kind, socket in signing.SOCKETS.items():
        (worker,) = (part for part in configuration.split("worker ") if socket in part)
        assert f'settings_id = "{kind}"' in worker


def test_postfix_has_the_forwarders_mail_sealed_and_its_own_signed() -> None:
    files = postfix.render_out(site())
    inbound = parameters(text(named(postfix.render_inbound(site()), "main.cf")))
    main, master = parameters(text(named(files, "main.cf"))), services(text(named(files, "master.cf")))
    seals, signs = (f"smtpd_milters=unix:{signing.SOCKETS[kind]}" for kind in ("forwarded", "own"))

    assert seals in master["127.0.0.1:20386 inet"]
    assert signs in master["127.0.0.1:20388 inet"]
    assert inbound["relayhost"] == "[127.0.0.1]:20388"
    assert main["non_smtpd_milters"] == f"unix:{signing.SOCKETS['own']}"
    assert main["internal_mail_filter_classes"] == "bounce"


def test_mail_goes_on_without_a_signer_and_within_the_forwarders_deadline() -> None:
    main = parameters(text(named(postfix.render_out(site()), "main.cf")))
    waits = [int(main[f"milter_{step}_timeout"].rstrip("s")) for step in ("connect", "command", "content")]

    assert main["milter_default_action"] == "accept"
    assert sum(waits) < exchange().deadlines.forwarder_seconds
    assert waits[-1] > signing.GREATEST_SECONDS


def test_the_keys_reach_the_signer_alone(signer: Site, pairs: list[dict[str, str]]) -> None:
    files = [file for file in signing.render_files(signer) if isinstance(file, ManagedFile)]
    holding = [file for file in files if "dkim-" in file.path]

    assert {(file.mode, file.user, file.secret) for file in holding} == {("0400", "root", True)}
    assert len(holding) == len(signing.KEYS)
    assert all(file.path in text(named(files, signing.UNIT)) for file in holding)
    seen = [text(file) for file in (*rspamd.render_files(signer), *files) if file not in holding]
    assert not [
        shown for shown in seen if any(pair[kind] in shown for pair in pairs for kind in signing.KEYS)
    ]


def test_the_ed25519_key_is_the_one_that_dns_publishes(signer: Site) -> None:
    pair = signer.secrets.dkim_keys[0]
    published = load_pem_private_key(pair.ed25519.get_secret_value().encode(), password=None).public_key()

    signs = Ed25519PrivateKey.from_private_bytes(base64.b64decode(signing.seed(pair)))

    assert signs.public_key() == published


def test_a_path_of_a_key_has_a_dot(signer: Site) -> None:
    """Without one Rspamd takes it for a key in base64 and signs nothing; seen with 3.12.1."""
    configuration = text(named(signing.render_files(signer), "rspamd.conf"))

    paths = re.findall(r'path = "(/[^"]+)"', configuration)
    assert paths
    assert all("." in path for path in paths)


def test_without_keys_nothing_is_signed_or_sealed() -> None:
    files = signing.render_files(site())
    configuration = text(named(files, "rspamd.conf"))

    assert "dkim_signing {" not in configuration
    assert "\narc {" not in configuration
    assert "LoadCredential" not in text(named(files, signing.UNIT))
