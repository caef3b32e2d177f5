"""Rotation by steps: whichever of two hosts has been converged, what one shows the other accepts."""

import hashlib
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from controller.errors import ControllerError
from controller.secret_rotation import LISTS, NAMES, stage_of, step
from inventory.alias_source import DATABASE_HOST
from inventory.dkim import new_pair
from inventory.schema import Exchange
from inventory.secrets import Secrets
from roles import aliases, exporters, postgresql, signing, valkey
from roles.forwarder import keys_file
from roles.lib.records.keys import published_keys
from roles.lib.site import Site
from tests.unit.roles.exchanges import DATABASE, MX1, MX2, exchange, secrets
from tests.unit.roles.rendered import named, text
from twinmx.srs import Srs

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEGIN: dict[str, Any] = {
    "rspamd_password": "correct-horse-battery",
    "valkey_passwords": ["staple-of-many-words"],
    "database_passwords": ["elephants-never-forget"],
    "srs_keys": ["0123456789abcdefghijklmnopqrstuv"],
    "tsig_keys": [{"name": "twinmx", "secret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}],
    "dkim_keys": [new_pair("k1")],
}


def rotated(name: str, of: Exchange | None = None) -> list[dict[str, Any]]:
    """The content before a rotation of `name`, and after each of its steps."""
    found, now = [deepcopy(BEGIN)], NOW
    for _ in range(3):
        found.append(step(found[-1], name, of or exchange(), now, early=False).content)
        now += timedelta(days=30)
    return found


def neighbours(name: str) -> Iterator[tuple[Secrets, Secrets]]:
    """What two hosts may have at one moment: the same, or one a step ahead of the other, either way round."""
    read = [Secrets.model_validate(content) for content in rotated(name)]
    for pair in pairwise(read):
        yield from product(pair, repeat=2)


def site(of: Exchange, name: str, with_secrets: Secrets) -> Site:
    return Site(of, name, with_secrets)


@pytest.mark.parametrize("name", LISTS)
def test_a_rotation_adds_then_uses_then_drops(name: str) -> None:
    before, added, promoted, retired = (content[name] for content in rotated(name))

    assert added == [*before, added[1]]
    assert promoted == [added[1], added[0]]
    assert retired == [added[1]]
    assert retired != before
    stages = [stage_of(content, name) for content in rotated(name)]
    assert stages == ["", "added", "promoted", ""]
    assert all(Secrets.model_validate(content) for content in rotated(name))


@pytest.mark.parametrize("name", LISTS)
def test_a_rotation_touches_nothing_else_and_can_be_repeated(name: str) -> None:
    done = rotated(name)[-1]

    assert {key: value for key, value in done.items() if key != name} == {
        key: value for key, value in BEGIN.items() if key != name
    }
    again = step(done, name, exchange(), NOW, early=False)
    assert (again.stage, len(again.content[name])) == ("added", 2)


def test_senders_that_one_host_has_rewritten_are_taken_back_by_the_other() -> None:
    for one, other in neighbours("srs_keys"):
        signing, checking = (
            Srs([line.encode() for line in text(keys_file(site(exchange(), "mx1", held))).split()], 21)
            for held in (one, other)
        )
        rewritten = signing.rewrite("ada@sender.example", "alias.example")
        assert checking.reverse(rewritten) == "ada@sender.example"


def test_a_key_is_dropped_only_when_its_last_bounces_are_home() -> None:
    of = exchange(forwarder={"bounce_days": 10})
    promoted = rotated("srs_keys", of)[2]
    since = datetime.fromisoformat(promoted["rotations"]["srs_keys"]["since"])

    with pytest.raises(ControllerError, match=r"takes bounces home until 2026-04-10 12:00 UTC .*--early"):
        step(promoted, "srs_keys", of, since + timedelta(days=9), early=False)

    assert step(promoted, "srs_keys", of, since + timedelta(days=9), early=True).stage == "retired"
    assert step(promoted, "srs_keys", of, since + timedelta(days=10), early=False).stage == "retired"


def test_a_pair_signs_only_when_nobody_remembers_that_it_is_not_published() -> None:
    of = exchange(dns={"server": "198.51.100.10", "ttl": 3600})
    added = step(BEGIN, "dkim_keys", of, NOW, early=False).content

    with pytest.raises(ControllerError, match=r"remember until 2026-03-01 13:00 UTC .*dns.ttl.*--early"):
        step(added, "dkim_keys", of, NOW + timedelta(minutes=59), early=False)

    assert step(added, "dkim_keys", of, NOW + timedelta(minutes=59), early=True).stage == "promoted"
    assert step(added, "dkim_keys", of, NOW + timedelta(hours=1), early=False).stage == "promoted"


def test_a_pair_is_dropped_only_when_the_last_mail_it_signed_has_arrived() -> None:
    promoted = rotated("dkim_keys")[2]
    since = datetime.fromisoformat(promoted["rotations"]["dkim_keys"]["since"])

    with pytest.raises(ControllerError, match=r"may be under way until 2026-04-07 12:00 UTC; .*--early"):
        step(promoted, "dkim_keys", exchange(), since + timedelta(days=6), early=False)

    assert step(promoted, "dkim_keys", exchange(), since + timedelta(days=6), early=True).stage == "retired"
    assert step(promoted, "dkim_keys", exchange(), since + timedelta(days=7), early=False).stage == "retired"


def test_whatever_a_host_signs_with_is_published_on_either_side_of_a_converge() -> None:
    for publishing, signer in neighbours("dkim_keys"):
        published = published_keys(exchange(), publishing).dkim
        files = signing.render_files(site(exchange(), "mx1", signer))
        selectors = set(re.findall(r'selector = "([^"]+)"', text(named(files, "rspamd.conf"))))
        held = load_pem_private_key(text(named(files, "dkim-rsa")).encode(), password=None)
        (rsa,) = (selector for selector in selectors if selector.endswith("-rsa"))

        assert selectors <= published.keys()
        assert held.public_key() == published[rsa]


def accepted(acl: str, user: str) -> set[str]:
    (line,) = [line for line in acl.splitlines() if line.startswith(f"user {user} ")]
    return set(re.findall(r"#([0-9a-f]{64})", line))


def digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def test_valkey_takes_the_password_of_programs_and_monitors_on_either_side_of_a_converge() -> None:
    for serving, asking in neighbours("valkey_passwords"):
        acl = text(named(valkey.render_files(site(exchange(), "mx1", serving)), "users.acl"))
        password = text(named(valkey.render_files(site(exchange(), "mx2", asking)), "valkey-password"))
        monitors = valkey.exporter_password(asking)
        exporter = text(named(exporters.render_files(site(exchange(), "mx2", asking)), "valkey-exporter"))

        assert digest(password.strip()) in accepted(acl, "twinmx")
        assert digest(monitors) in accepted(acl, "exporter")
        assert monitors in exporter


def test_valkey_is_not_restarted_when_the_new_password_is_put_to_use() -> None:
    _, added, promoted, _ = (Secrets.model_validate(content) for content in rotated("valkey_passwords"))
    acls = [
        text(named(valkey.render_files(site(exchange(), "mx1", held)), "users.acl"))
        for held in (added, promoted)
    ]

    assert acls[0] == acls[1]


def test_an_exchanger_has_the_password_that_the_database_has(tmp_path: Any) -> None:
    (tmp_path / "ca.pem").write_text("authority")
    database = DATABASE | {"authority": str(tmp_path / "ca.pem")}
    of = exchange(MX1, MX2, alias_source="postgresql", database=database)
    for serving, asking in neighbours("database_passwords"):
        sql = text(postgresql.render_roles(site(of, DATABASE_HOST, serving)))
        tried = text(named(aliases.render_follower(site(of, "mx1", asking)), aliases.PASSWORDS)).split()
        (role,) = re.findall(r"LOGIN PASSWORD '([^']+)'", sql)

        assert role in tried


def test_updates_are_signed_with_a_key_that_the_server_has_and_its_name_is_new() -> None:
    _, added, promoted, retired = (content["tsig_keys"] for content in rotated("tsig_keys"))
    on_the_server = {key["name"]: key["secret"] for key in added}

    assert len(on_the_server) == 2
    for used in (added[0], promoted[0], retired[0]):
        assert on_the_server[used["name"]] == used["secret"]


def test_what_nobody_shows_is_replaced_at_once() -> None:
    done = step(BEGIN, "rspamd_password", exchange(), NOW, early=False)

    assert done.stage == "replaced"
    assert done.content["rspamd_password"] != BEGIN["rspamd_password"]
    assert "rotations" not in done.content


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        ({}, "srs_key", f"srs_key: no such secret to rotate; allowed: {', '.join(NAMES)}"),
        ({}, "receivers.oncall", "the service gives it out"),
        ({"database_passwords": []}, "database_passwords", "there is none to rotate"),
        ({"srs_keys": ["a" * 32, "b" * 32]}, "srs_keys", "there are 2, and none is noted as new"),
    ],
)
def test_what_cannot_be_rotated_is_told(change: dict[str, Any], name: str, says: str) -> None:
    with pytest.raises(ControllerError, match=re.escape(says)):
        step(BEGIN | change, name, exchange(), NOW, early=False)


def test_the_secrets_of_other_tests_are_of_this_shape() -> None:
    """But for keys that are slow to draw."""
    assert secrets().model_fields_set >= set(BEGIN) - {"dkim_keys"}
