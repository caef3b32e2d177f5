"""What `twinmx dns check` says of a world that is not as the inventory wants it."""

import json
from io import StringIO

import pytest
from rich.console import Console

from controller.dns.asking import Question
from controller.dns.checking import Checked, Finding, check
from controller.dns.commands import show
from controller.dns.judging import reverse_name
from inventory.schema import Exchange
from roles.lib.records.wanted import txt
from roles.lib.records.whole import wanted_records
from tests.unit.controller.answering import PATIENCE_SECONDS, World, resolving, well
from tests.unit.roles.exchanges import IPV6, MX1, MX2, exchange
from tests.unit.roles.records.made import complete, keys

REVERSE = {
    reverse_name("198.51.100.11"): "mx1.alias.example",
    reverse_name("2001:db8:1::11"): "mx1.alias.example",
    reverse_name("198.51.100.12"): "mx2.alias.example",
}
PTR_OF_MX2 = reverse_name("198.51.100.12")


def as_wanted(of: Exchange | None = None) -> World:
    """A world without a fault, for `complete()` or `of`."""
    of = of or complete()
    return well(of, wanted_records(of, keys()), REVERSE)


async def checked(*worlds: World, of: Exchange | None = None, patience: float = PATIENCE_SECONDS) -> Checked:
    async with resolving(*worlds, patience=patience) as resolvers:
        return await check("inventory/ours.py", of or complete(), keys(), resolvers)


async def the_finding(world: World, of: Exchange | None = None) -> Finding:
    found = await checked(world, of=of)
    assert (found.result, found.status) == ("findings", 2)
    (finding,) = found.findings
    return finding


async def test_a_world_as_wanted_is_fine() -> None:
    found = await checked(as_wanted(), as_wanted())

    assert found.findings == []
    assert (found.result, found.status, found.resolvers) == ("fine", 0, ["first", "second"])


async def test_each_record_that_is_missing_is_found() -> None:
    for record in wanted_records(complete(), keys()):
        world = as_wanted()
        world.drop(record.name, record.kind)

        told = {(one.name, one.type): one for one in (await checked(world)).findings}

        finding = told[record.name, record.kind]
        assert finding.problem == f"does not exist: {record.purpose}"
        assert finding.mend.startswith("twinmx dns apply inventory/ours.py")
        assert finding.wanted == list(record.values)


async def test_texts_of_others_beside_ours_are_no_fault() -> None:
    world = as_wanted()
    world.sets[Question("alias.example", "TXT")] += ['"proof=42"']

    assert (await checked(world)).result == "fine"


@pytest.mark.parametrize(
    ("name", "kind", "values", "says"),
    [
        ("alias.example", "TXT", ['"v=spf1 a -all"'], "says something else: receivers refuse forwarded mail"),
        (
            "alias.example",
            "TXT",
            ['"v=spf1 -all"', '"v=spf1 a -all"'],
            "stands there 2 times, and so counts",
        ),
        ("alias.example", "TXT", ['"proof=42"'], "does not exist: receivers refuse forwarded mail"),
        ("alias.example", "MX", ["10 mx2.alias.example.", "20 mx1.alias.example."], "in another order than"),
        ("alias.example", "MX", ["10 mx1.alias.example."], "says something else: senders do not know which"),
        (
            "k1-rsa._domainkey.alias.example",
            "TXT",
            ['"v=DKIM1; p="'],
            "says something else: receivers",
        ),
        (
            "_25._tcp.mx1.alias.example",
            "TLSA",
            [f"3 1 1 {'ab' * 32}"],
            "says something else: senders",
        ),
        ("mx1.alias.example", "CAA", ['0 issue ";"'], "says something else: any authority"),
    ],
)
async def test_what_differs_is_explained(name: str, kind: str, values: list[str], says: str) -> None:
    world = as_wanted()
    world.put(name, kind, *values)

    finding = await the_finding(world)

    assert (finding.name, finding.type) == (name, kind)
    assert says in finding.problem
    assert finding.found == sorted(values)


async def test_how_a_text_is_cut_and_cased_names_are_no_difference() -> None:
    world = as_wanted()
    world.put("_dmarc.alias.example", "TXT", '"v=DMARC1; p=rej" "ect; rua=mailto:dmarc@reports.example;"')
    world.put("alias.example", "MX", "10 MX1.Alias.Example.", "20 mx2.alias.example.")

    assert (await checked(world)).result == "fine"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "does not exist: many providers refuse mail from 198.51.100.12"),
        (["host-12.isp.example."], "does not name mx2.alias.example alone"),
        (["mx2.alias.example.", "other.example."], "does not name mx2.alias.example alone"),
    ],
)
async def test_an_address_has_to_lead_to_its_name(values: list[str], says: str) -> None:
    world = as_wanted()
    world.put(PTR_OF_MX2, "PTR", *values)

    finding = await the_finding(world)

    assert (finding.name, finding.type) == (PTR_OF_MX2, "PTR")
    assert says in finding.problem
    assert "ask who gave you 198.51.100.12 for a PTR record that says mx2.alias.example." in finding.mend


async def test_a_name_has_to_lead_back_to_the_address() -> None:
    world = as_wanted()
    world.put("mx2.alias.example", "A", "198.51.100.99")

    found = await checked(world)

    told = {(one.name, one.type): one.problem for one in found.findings}
    assert told.keys() == {("mx2.alias.example", "A"), (PTR_OF_MX2, "PTR")}
    assert "does not lead back to 198.51.100.12" in told[PTR_OF_MX2, "PTR"]


async def test_a_name_in_mx_must_be_no_alias() -> None:
    world = as_wanted()
    world.drop("mx2.alias.example", "A")
    world.put("mx2.alias.example", "CNAME", "real.example.")
    world.put("real.example", "A", "198.51.100.12")

    told = {(one.name, one.type): one for one in (await checked(world)).findings}

    assert "must not lead to one (RFC 2181" in told["mx2.alias.example", "CNAME"].problem


async def test_an_address_that_the_inventory_does_not_know_is_found() -> None:
    world = as_wanted()
    world.put("mx2.alias.example", "AAAA", "2001:db8::dead")

    finding = await the_finding(world)

    assert "the inventory has no address6" in finding.problem
    assert finding.mend == "remove it, or set address6"


async def test_tlsa_in_a_zone_that_is_not_signed_is_found() -> None:
    world = as_wanted()
    world.signed = False

    finding = await the_finding(world)

    assert finding.type == "TLSA"
    assert "not signed" in finding.problem
    assert "DNSSEC" in finding.mend


async def test_a_name_that_cannot_be_looked_up_is_no_missing_record() -> None:
    world = as_wanted()
    world.broken = {"_dmarc.alias.example", PTR_OF_MX2}

    found = await checked(world)

    assert {one.name for one in found.findings} == world.broken
    assert all("cannot be looked up (SERVFAIL)" in one.problem for one in found.findings)


async def test_a_resolver_that_does_not_answer_is_an_error_and_no_finding() -> None:
    world = as_wanted()
    world.silent = {"_dmarc.alias.example"}

    found = await checked(world, patience=1.5)

    assert found.findings == []
    assert (found.result, found.status) == ("error", 1)
    assert "first did not answer 1 of" in found.errors[0]
    assert "_dmarc.alias.example TXT" in found.errors[0]


async def test_what_one_resolver_alone_says_is_told_as_its_own() -> None:
    late = as_wanted()
    late.drop("_dmarc.alias.example", "TXT")

    found = await checked(as_wanted(), late)

    assert [one.resolvers for one in found.findings] == [["second"]]


async def test_who_has_to_mend_it_depends_on_who_keeps_the_zone() -> None:
    dns = {"server": "198.51.100.10", "dmarc": {"reports": ["d@reports.example"]}}
    of = exchange(MX1 | IPV6, MX2 | {"fqdn": "mx2.elsewhere.example"}, domains=["alias.example"], dns=dns)
    world = well(of, wanted_records(of, keys()), REVERSE | {PTR_OF_MX2: "mx2.elsewhere.example"})
    agreement = "alias.example._report._dmarc.reports.example"
    for name in "mx2.elsewhere.example", agreement, "_dmarc.alias.example":
        world.drop(name, "TXT")

    found = await checked(world, of=of)

    mends = {one.name: one.mend.partition(";")[0] for one in found.findings}
    assert mends == {
        "mx2.elsewhere.example": "set it at your DNS provider",
        agreement: f"ask the owner of {agreement} to set it",
        "_dmarc.alias.example": "twinmx dns apply inventory/ours.py",
    }


async def test_people_and_programs_are_told_the_same() -> None:
    world = as_wanted()
    world.put("alias.example", "TXT", txt("v=spf1 a -all"))
    found = await checked(world)
    output = StringIO()

    show(found, Console(file=output, width=80))

    text = output.getvalue()
    (finding,) = json.loads(found.model_dump_json())["findings"]
    for part in finding["problem"], finding["mend"], *finding["wanted"], *finding["found"]:
        assert part in text
    assert "asked of first: 1 findings" in text
