"""Deliveries are read from lines that Postfix 3.10.13 wrote; nobody can write one into an address."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from twinmx.queues.deliveries import Delivery, DeliveryLog
from twinmx.queues.metrics import DeliveryMetrics

LOG = DeliveryLog({"postfix": "in", "postfix-out": "out"})
RELAY = "relay=outside.sender.example[198.51.100.10]:25"
SENT = (
    f"3B8661D66BE: to=<load07@mailbox.example>, {RELAY}, delay=0.03, delays=0.01/0/0.02/0, dsn=2.0.0, "
    "status=sent (250 2.0.0 Ok: queued as 410401D035F)"
)
FORWARDED = (
    "400411D66BD: to=<load14@alias.example>, relay=127.0.0.1[127.0.0.1]:20381, delay=0.07, "
    "delays=0.06/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4DF8F1D66BE)"
)
DEFERRED = (
    "E77071E01D1: to=<u-noroute@noroute.example>, relay=none, delay=2, delays=0.01/0.02/2/0, dsn=4.4.1, "
    "status=deferred (connect to 198.51.100.77[198.51.100.77]:25: Connection timed out)"
)
BOUNCED = (
    "179561E093E: to=<u-err@err.example>, relay=none, delay=0.04, delays=0.01/0.01/0/0.02, dsn=5.0.0, "
    "status=bounced (mail for x is deferred)"
)
ODD = (
    '2EA6A1E0944: to=<"odd, status=sent (x"@refused.example>, relay=none, delay=0.04, delays=0/0.04/0/0, '
    "dsn=4.4.1, status=deferred (connect to 127.0.0.1[127.0.0.1]:20381: Connection refused)"
)
FORGED = '"x>, relay=a, delay=99999, delays=9/9/9/9, dsn=2.0.0, status=sent (y"@evil.example'
EXPIRED = "0E5EB1E093C: from=<a@sender.example>, status=expired, returned to sender"


def test_what_was_sent() -> None:
    assert LOG.parse("postfix-out/smtp", SENT) == Delivery(
        "out", "smtp", "sent", ("load07@mailbox.example",), 0.03, (0.01, 0, 0.02, 0)
    )
    assert LOG.parse("postfix/fwd/smtp", FORWARDED) == Delivery(
        "in", "fwd", "sent", ("load14@alias.example",), 0.07, (0.06, 0, 0, 0)
    )


@pytest.mark.parametrize(
    ("text", "status"),
    [(DEFERRED, "deferred"), (BOUNCED, "bounced"), (ODD, "deferred"), (EXPIRED, "expired")],
)
def test_what_was_not(text: str, status: str) -> None:
    delivery = LOG.parse("postfix/smtp", text)
    assert delivery is not None
    assert delivery.status == status


def test_over_a_kept_connection_and_to_another_name() -> None:
    text = SENT.replace(f"{RELAY},", f"orig_to=<b@x.example>, {RELAY}, conn_use=3,")
    delivery = LOG.parse("postfix-out/smtp", text)
    assert delivery is not None
    assert delivery.addresses == ("load07@mailbox.example", "b@x.example")


def test_an_address_is_no_place_to_write_a_delivery() -> None:
    delivery = LOG.parse("postfix/smtp", ODD.replace('"odd, status=sent (x"@refused.example', FORGED))
    assert delivery is not None
    assert (delivery.status, delivery.seconds) == ("deferred", 0.04)
    assert delivery.addresses == (FORGED,)


@pytest.mark.parametrize(
    ("identifier", "text"),
    [
        ("postfix/qmgr", "3B8661D66BE: removed"),
        ("postfix/smtp", SENT.replace("status=sent", "status=deliverable")),
        ("postfix/smtp", SENT.replace("delay=0.03", "delay=1.2.3")),
        ("postfix/smtp", SENT.replace("0.01/0/0.02/0", "0.01/0/0.02")),
        ("postfix/smtp", f"warning: {SENT}"),
        ("postfix/cleanup", f"3B8661D66BE: warning: header Subject: {SENT}"),
        ("twinmx-gate", SENT),
        ("postfix-lost/smtp", SENT),
        ("postfix", SENT),
        ("", SENT),
    ],
)
def test_all_else_is_no_delivery(identifier: str, text: str) -> None:
    assert LOG.parse(identifier, text) is None


@given(
    identifier=st.sampled_from(["postfix/smtp", "postfix-out/qmgr", "postfix/fwd/smtp"]) | st.text(),
    text=st.text()
    | st.builds(lambda a, b, at: SENT[:at] + a + SENT[at:] + b, st.text(), st.text(), st.integers(0, 150)),
)
@example("postfix/smtp", "A: to=<" + '"' * 60 + "\\" * 60)
@example("postfix/smtp", SENT.replace("0.03", "9" * 400))
def test_no_line_is_too_odd(identifier: str, text: str) -> None:
    delivery = LOG.parse(identifier, text)
    if delivery is not None:
        assert delivery.instance in ("in", "out")
        assert all(
            math.isfinite(seconds) and seconds >= 0 for seconds in (delivery.seconds, *delivery.stages)
        )


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_users_mail_is_measured_and_the_canary_is_not(registry: CollectorRegistry) -> None:
    metrics = DeliveryMetrics(registry, {"canary-mx1@alias.example", "canary@mx1.canary.invalid"}, lambda: 0)
    canary = FORWARDED.replace("load14@alias.example", "Canary-MX1@alias.example")
    arriving = SENT.replace("load07@mailbox.example", "canary@mx1.canary.invalid")
    renamed = SENT.replace(RELAY, f"orig_to=<canary-mx1@alias.example>, {RELAY}")
    for identifier, text in (
        ("postfix-out/smtp", SENT),
        ("postfix-out/smtp", DEFERRED),
        ("postfix/fwd/smtp", canary),
        ("postfix-out/smtp", arriving),
        ("postfix-out/smtp", renamed),
        ("postfix/qmgr", EXPIRED),
    ):
        delivery = LOG.parse(identifier, text)
        assert delivery is not None
        metrics.count(delivery)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    out = {"instance": "out", "transport": "smtp"}
    assert value("twinmx_deliveries_total", **out, status="sent") == 1
    assert value("twinmx_deliveries_total", **out, status="deferred") == 1
    assert value("twinmx_deliveries_total", **out, status="bounced") == 0
    assert value("twinmx_deliveries_total", instance="in", transport="qmgr", status="expired") == 1
    assert value("twinmx_deliveries_total", instance="in", transport="fwd", status="sent") == 0
    assert value("twinmx_delivery_seconds_count", **out) == 1  # what is deferred has not arrived
    assert value("twinmx_delivery_seconds_bucket", **out, le="0.025") == 0
    assert value("twinmx_delivery_seconds_bucket", **out, le="0.05") == 1
    assert value("twinmx_delivery_stage_seconds_sum", **out, stage="before_queue") == 0.01
    assert value("twinmx_delivery_stage_seconds_sum", **out, stage="connection") == 0.02
