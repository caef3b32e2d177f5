"""The status page that every failover agent serves: what one reads on it, and that nobody can do more."""

import json
import re
import urllib.error
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from inventory.schema import Exchange, Exchanger
from lab.settings import OUTSIDE
from lab.waiting import until
from lab.watching import PATIENCE_SECONDS, fetched
from roles.lib.ports import FAILOVER
from tests.hosts.asking import Host
from twinmx.status.page import MOST_ACTS

pytestmark = pytest.mark.role("failover")

CURL_TIMED_OUT = 28


def url(exchanger: Exchanger, path: str = "/") -> str:
    return f"http://{exchanger.peer}:{FAILOVER}{path}"


def text(element: ET.Element) -> str:
    """What a reader sees, each stretch of white space as one blank."""
    return " ".join(" ".join(element.itertext()).split())


class Page:
    """The page of one exchanger's agent. Its head is HTML, its body is XML as well."""

    def __init__(self, exchanger: Exchanger) -> None:
        self.body = ET.fromstring(re.sub(r"(?s)^.*(?=<body>)|</html>\s*$", "", fetched(url(exchanger))))

    def part(self, label: str) -> ET.Element:
        """One of the sections, by what a screen reader calls it."""
        return next(one for one in self.body.iter("section") if one.get("aria-label") == label)

    def cards(self) -> dict[str, str]:
        """What is said of each exchanger."""
        cards = self.part("Exchangers").iter("article")
        return {said.split()[1]: said for said in map(text, cards)}

    def card(self, title: str) -> ET.Element:
        """One of the cards of filters and records."""
        cards = self.part("Filters and records").iter("article")
        return next(card for card in cards if text(card).startswith(title))

    def rows(self, title: str) -> dict[str, str]:
        """The rows of a card's table by their heads."""
        return {
            text(head): text(row)
            for row in self.card(title).iter("tr")
            for head in row.findall("th[@scope='row']")
        }

    def now(self) -> dict[tuple[str, str], str]:
        """The newest value of each curve, by chart and host."""
        return {
            (text(figure.find(".//h2")), text(row.find("th"))): text(row.findall("td")[0])  # type: ignore[arg-type]
            for figure in self.part("The last hour").iter("figure")
            for row in figure.iterfind(".//tbody/tr")
        }

    def acts(self) -> list[str]:
        """Time and name of each act, the newest first."""
        return [
            f"{text(line.find('time'))} {text(line.find('span/strong'))}"  # type: ignore[arg-type]
            for line in self.part("Last acts").iter("li")
            if line.find("time") is not None
        ]


def test_it_says_how_both_exchangers_are(exchange: Exchange, exchanger: Exchanger, name: str) -> None:
    until(
        lambda: "All exchangers are in service and well" in text(Page(exchanger).body),
        PATIENCE_SECONDS,
        "a pair in service and well, on the page",
    )
    cards = Page(exchanger).cards()

    assert list(cards) == list(exchange.exchangers)
    for host, said in cards.items():
        assert said.startswith(f"✓ {host} this host State" if host == name else f"✓ {host} State")
        assert "State in service" in said
        assert "Rules ✓ none is bad" in said
        for workers, number in ("Forwarders", exchange.forwarder.workers), ("Gates", exchange.gate.workers):
            assert f"{workers} ✓ {number} of {number}" in said


def test_it_says_how_much_waits_and_how_long_mail_takes(exchange: Exchange, exchanger: Exchanger) -> None:
    charts = ("Inbound queue", "Outbound queue", "Canary")

    def known() -> bool:
        now = Page(exchanger).now()
        assert list(now) == [(chart, host) for chart in charts for host in exchange.exchangers]
        return all(re.fullmatch(r"\d[\d.\s]*s?", value) for value in now.values())

    until(known, PATIENCE_SECONDS, "queues and delays of every exchanger on the page")


def test_it_says_how_engines_and_limits_are(exchange: Exchange, exchanger: Exchanger) -> None:
    page = Page(exchanger)

    assert list(page.rows("Spam engines")) == [
        f"{host} {engine}" for host in exchange.exchangers for engine in exchange.spam.engines
    ]
    limits = page.rows("Limits")
    assert list(limits) == list(exchange.exchangers)
    for host, said in limits.items():
        assert re.match(rf"{host} ✓ counted in Valkey [\d\s]+$", said)


def test_it_has_the_records_that_dns_has(exchange: Exchange, exchanger: Exchanger) -> None:
    preferences = sorted((facts.mx_priority, host) for host, facts in exchange.exchangers.items())
    records = " ".join(f"{preference} {host}" for preference, host in preferences)
    domains = ", ".join(exchange.domains)

    until(
        lambda: text(Page(exchanger).card("MX records now")) == f"MX records now {domains} {records}",
        PATIENCE_SECONDS,
        "the inventory's MX records on the page",
    )


def test_it_has_the_last_acts_of_every_agent(exchange: Exchange, exchanger: Exchanger) -> None:
    def done() -> list[str]:
        acts = [
            (act["at"], host, act)
            for host, facts in exchange.exchangers.items()
            for act in json.loads(fetched(url(facts, "/state")))["acts"]
        ]
        newest = sorted(acts, key=lambda one: one[0], reverse=True)[:MOST_ACTS]
        return [
            f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} {host}: {act['name']}"
            + ("" if act["whom"] == host else f" {act['whom']}")
            for at, host, act in newest
        ]

    until(lambda: Page(exchanger).acts() == done(), PATIENCE_SECONDS, "the last acts on the page")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_can_only_be_read(exchanger: Exchanger, method: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetched(url(exchanger), method)

    assert refused.value.code == 405
    assert refused.value.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize("order", ["drain", "undrain", "hold", "release"])
def test_nothing_can_be_ordered_where_it_is_served(exchanger: Exchanger, order: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetched(url(exchanger, f"/{order}"), "POST")

    assert refused.value.code == 404
    elements = {element.tag for element in Page(exchanger).body.iter()}
    assert not elements & {"form", "button", "input", "script", "a"}


def test_peers_may_read_it_and_strangers_may_not(
    exchange: Exchange, exchanger: Exchanger, outside: Host, peers: Mapping[str, Host]
) -> None:
    if any(OUTSIDE.address in network for network in exchange.monitors.clients):
        pytest.skip("the outside host is one of monitors.clients, and there is no other stranger")
    ask = f"curl --silent --output /dev/null --max-time 3 {url(exchanger)}"

    assert outside.run(ask).rc == CURL_TIMED_OUT
    for peer in peers.values():
        assert peer.run(f"{ask} --fail").rc == 0
