"""Our records in zones that hold others' too: read back as they are wanted, and nothing else is touched."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from roles.lib.records.spf import TAG
from roles.lib.records.wanted import Wanted, has_tag, text_of, txt
from roles.lib.records.zones import SPOILT, by_zone, plan_zone, zone_of, zones_of
from tests.unit.roles.exchanges import MX1, MX2, MX3, exchange
from tests.unit.roles.records.made import complete, keys, records
from tests.unit.roles.records.primary import NameServer, serving

PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
TEXTS = some.text(PRINTABLE, max_size=700)
KEY_TEXTS = some.text(string.ascii_letters + string.digits + ";:=/+-. ", min_size=1, max_size=600)
SPF = Wanted("alias.example", "TXT", (txt(f"{TAG} ip4:198.51.100.11 -all"),), "why", shared=TAG)
FEW = settings(max_examples=30, deadline=None)


def quoted(*strings: str) -> str:
    """A TXT value of these strings, as somebody may have written it."""
    escaped = [part.replace("\\", "\\\\").replace('"', '\\"') for part in strings]
    return " ".join(f'"{part}"' for part in escaped)


FOREIGN = some.lists(some.text(PRINTABLE, max_size=80), min_size=1, max_size=3).filter(
    lambda strings: not has_tag("".join(strings), TAG)
)


def converge(server: NameServer, *wanted: Wanted, ttl: int = 300) -> int:
    """Bring the zone to what is wanted; how many record sets had to be changed."""
    zone = server.zone.to_text(omit_final_dot=True)
    with serving(server) as target:
        changes, _ = plan_zone(zone, wanted, ttl, target)
        return int(target.apply(changes)) if changes else 0


@given(TEXTS)
def test_a_text_is_read_back_as_it_is_wanted_however_long(text: str) -> None:
    assert text_of(txt(text)) == text
    assert all(len(part) <= 255 for part in txt(text).split('" "') if "\\" not in part)


@pytest.mark.parametrize("text", ["ä", "a\nb", "\0"])
def test_what_is_no_printable_ascii_is_no_text_of_ours(text: str) -> None:
    with pytest.raises(ValueError, match="not printable ASCII"):
        txt(text)


@FEW
@given(
    some.lists(
        some.text(string.ascii_letters + string.digits + ";:=/+-. ", min_size=1, max_size=600), max_size=3
    )
)
def test_what_is_applied_is_read_back_as_wanted(texts: list[str]) -> None:
    server = NameServer("alias.example")
    wanted = [
        Wanted(f"k{number}._domainkey.alias.example", "TXT", (txt(f"v=DKIM1; p={text}"),), "why")
        for number, text in enumerate(texts)
    ]

    assert converge(server, *wanted) == len(wanted)

    for record in wanted:
        assert server.values(f"{record.name}.", "TXT") == set(record.values)
    assert converge(server, *wanted) == 0


@FEW
@given(some.lists(FOREIGN, max_size=3), some.sampled_from(["", "v=spf1 +all", "V=SPF1 a", "v=spf1"]))
def test_texts_of_others_beside_spf_are_left_as_they_are(foreign: list[list[str]], before: str) -> None:
    others = {quoted(*strings) for strings in foreign}
    server = NameServer("alias.example")
    if others or before:
        server.put("@", "TXT", *others, *([quoted(before)] if before else []), ttl=1234)
    kept = {value for value in server.values("@", "TXT") if not has_tag(text_of(value), TAG)}

    assert converge(server, SPF) == 1

    assert server.values("@", "TXT") == {*kept, *SPF.values}
    assert server.ttl("@", "TXT") == (1234 if kept else 300)
    assert converge(server, SPF) == 0


def test_records_of_others_are_left_alone_whatever_changes() -> None:
    server = NameServer("alias.example")
    server.put("@", "A", "203.0.113.80")
    server.put("@", "CAA", '0 issue "web-ca.example"')
    server.put("www", "CNAME", "alias.example.")
    server.put("k0._domainkey", "TXT", quoted("v=DKIM1; p=theirs"))
    before = dict(server.sets)
    wanted = by_zone(records().values(), ["alias.example"])[0]["alias.example"]

    assert converge(server, *wanted) == len(wanted)

    assert {key: server.sets[key] for key in before} == before
    assert len(server.sets) == len(before) + len(wanted)
    assert server.updates == 1, "all or nothing"
    assert converge(server, *wanted) == 0


def test_authorities_that_others_allowed_at_a_domain_stay_allowed() -> None:
    of = exchange(dns={"server": "198.51.100.10", "caa": {"issuers": ["ca.example"], "domains": True}})
    ours = records(of)["alias.example", "CAA"]
    server = NameServer("alias.example")
    server.put("@", "CAA", '0 issue "web-ca.example"')

    converge(server, ours)

    assert server.values("@", "CAA") == {'0 issue "web-ca.example"', '0 issue "ca.example"'}
    assert converge(server, ours) == 0


def test_a_set_of_ours_is_replaced_as_a_whole() -> None:
    server = NameServer("alias.example")
    server.put("@", "MX", "10 old.example.", "20 mx2.alias.example.")

    converge(server, records(exchange())["alias.example", "MX"], ttl=60)

    assert server.values("@", "MX") == {"10 mx1.alias.example.", "20 mx2.alias.example."}
    assert server.ttl("@", "MX") == 60


def test_what_stands_beside_ours_is_told() -> None:
    server = NameServer("alias.example")
    server.put("@", "TXT", '"proof=42"', '"v=spf1 a -all"')

    with serving(server) as target:
        _, ours = plan_zone("alias.example", [SPF], 300, target)

    assert ours.beside == {("alias.example.", "TXT"): ['"proof=42"']}


def test_a_provider_that_could_spoil_others_texts_does_not_get_the_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("roles.lib.records.zones.Primary", type("Another", (), {}))
    server = NameServer("alias.example")
    server.put("@", "TXT", r'"a\\b"', '"v=spf1 a -all"')

    with serving(server) as target:
        changes, ours = plan_zone("alias.example", [SPF], 300, target)

    assert changes is None
    assert ours.left == {SPF: SPOILT}


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("alias.example", "alias.example"),
        ("_25._tcp.mx1.alias.example", "alias.example"),
        ("a.deep.alias.example", "deep.alias.example"),
        ("notalias.example", None),
        ("example", None),
    ],
)
def test_a_name_belongs_to_the_deepest_zone_that_holds_it(name: str, zone: str | None) -> None:
    assert zone_of(name, ["alias.example", "deep.alias.example", "masked.example"]) == zone


def test_names_in_no_zone_of_ours_are_left_to_the_operator() -> None:
    of = exchange(MX1, MX2, MX3)

    _, rest = by_zone(records(of).values(), zones_of(of))

    assert {(record.name, record.kind) for record in rest} == {
        ("mx3.elsewhere.example", "A"),
        ("mx3.elsewhere.example", "TXT"),
    }


def test_a_host_named_as_a_zone_does_not_get_the_address_of_its_web_site() -> None:
    of = exchange(MX1 | {"fqdn": "alias.example"}, MX2)

    _, rest = by_zone(records(of).values(), zones_of(of))

    assert [(record.name, record.kind) for record in rest] == [("alias.example", "A")]


def test_octodns_accepts_every_record_of_the_whole_plan() -> None:
    """Each name below its zone, each type: what is applied is what the server then holds."""
    of = complete()
    for zone, wanted in by_zone(records(of).values(), zones_of(of))[0].items():
        server = NameServer(zone)

        converge(server, *wanted)

        for record in wanted:
            held = server.values(f"{record.name}.", record.kind)
            assert held == set(record.values), record.name
    assert keys().tls
