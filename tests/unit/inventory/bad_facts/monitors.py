"""Mistakes about the monitors: thresholds, and who is told."""

from tests.unit.inventory.bad_facts.row import Bad

AT = "access:"
ROUTE = "  routes: {all: {receivers: [a]}}\n"


def _monitors(text: str) -> str:
    return f"monitors:\n{text}access:"


def _mail(**changes: str) -> str:
    facts = {
        "relay": "relay.elsewhere.example",
        "sender": "mx@ours.elsewhere.example",
        "to": "me@ours.elsewhere.example",
    }
    lines = "".join(f"      {key}: {value}\n" for key, value in (facts | changes).items() if value)
    return _monitors(f"{ROUTE}  receivers:\n    a:\n      kind: smtp\n{lines}")


ROWS = {
    "a window of too few samples": Bad(
        AT,
        _monitors("  scrape_seconds: 20\n  window_seconds: 79\n"),
        "window_seconds: 79",
        "monitors.window_seconds: 79: fewer than 4 times scrape_seconds; allowed: 80 or more (Shares, rates",
    ),
    "a share above one": Bad(
        AT,
        _monitors("  deferral_share: 30\n"),
        "deferral_share",
        "monitors.deferral_share: 30; allowed: a number above 0, at most 1 (Share of outbound deliveries",
    ),
    "a receiver of no kind": Bad(
        AT,
        _monitors(f"{ROUTE}  receivers:\n    a: {{kind: sms}}\n"),
        "kind: sms",
        "monitors.receivers.a.kind: 'sms'; allowed: webhook, pagerduty, opsgenie or smtp (How it is told",
    ),
    "a secret among the facts": Bad(
        AT,
        _monitors(f"{ROUTE}  receivers:\n    a: {{kind: webhook, url: https://x.example/}}\n"),
        "kind: webhook",
        "monitors.receivers.a.url: no such key. Allowed here: kind, relay, port, user, sender, to",
    ),
    "a route to nobody": Bad(
        AT,
        _monitors("  receivers: {a: {kind: webhook}}\n  routes:\n    all: {receivers: [a, b]}\n"),
        "all: {",
        "monitors.routes.all.receivers entry 2: 'b': no such receiver; allowed: a (",
    ),
    "a route at no time": Bad(
        AT,
        _monitors(
            "  receivers: {a: {kind: webhook}}\n  routes:\n    all: {receivers: [a], times: [nights]}\n"
        ),
        "all: {",
        "monitors.routes.all.times entry 1: 'nights': no such times; allowed: none, none is described",
    ),
    "a receiver that nobody tells": Bad(
        AT,
        _monitors(f"{ROUTE}  receivers:\n    a: {{kind: webhook}}\n    b: {{kind: webhook}}\n"),
        "    b: {",
        "monitors.receivers.b: 'b': no route leads to it; allowed: one that a route names",
    ),
    "a heartbeat for nobody": Bad(
        AT,
        _monitors("  heartbeat: a\n"),
        "heartbeat",
        "monitors.heartbeat: 'a': no such receiver; allowed: none, none is described (A receiver that is",
    ),
    "mail without a relay": Bad(
        AT,
        _mail(relay=""),
        "    a:",
        "monitors.receivers.a.relay: no value; allowed: with kind smtp, one; its relay cannot be guessed",
    ),
    "a relay for a webhook": Bad(
        AT,
        _monitors(
            f"{ROUTE}  receivers:\n    a:\n      kind: webhook\n      relay: relay.elsewhere.example\n"
        ),
        "relay:",
        "monitors.receivers.a.relay: 'relay.elsewhere.example': webhook has none; allowed: with kind",
    ),
    "alerts through an exchanger": Bad(
        AT,
        _mail(relay="MX2.alias.example"),
        "relay:",
        "monitors.receivers.a.relay: 'mx2.alias.example': takes part in the mail that is watched; allowed: a",
    ),
    "alerts to a served domain": Bad(
        AT,
        _mail(to="me@Masked.example"),
        "to:",
        "monitors.receivers.a.to: 'me@Masked.example': its mail comes through the exchangers; allowed: an",
    ),
    "a time of day that YAML reads as a number": Bad(
        AT,
        _monitors("  times:\n    nights: {begin: 18:30}\n"),
        "nights",
        "monitors.times.nights.begin: 1110; allowed: a time of day in quotes",
    ),
    "a clock of nowhere": Bad(
        AT,
        _monitors("  times:\n    nights: {location: Europe/Atlantis}\n"),
        "nights",
        "monitors.times.nights.location: 'Europe/Atlantis': no such time zone; allowed: a time zone of",
    ),
}
