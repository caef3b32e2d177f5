"""The two Postfix instances, rendered for pairs, threes, and hosts that are drained."""

import re
import tomllib
from collections.abc import Callable

import pytest

from inventory.schema import Exchange
from roles import forwarder
from roles.lib.managed import Managed
from roles.lib.site import Site
from roles.postfix import nexthops, render_inbound, render_out
from tests.unit.roles.exchanges import IPV6, MX1, MX2, MX3, PEER_LINK, exchange, site
from tests.unit.roles.rendered import named, parameters, services, text
from twinmx.aliases.model import Alias
from twinmx.aliases.record import Stored, encode

DRAINED = {"drain": "mx1"}
OFF = Stored(Alias("off@alias.example", ("a@mailbox.example",), enabled=False), enabled_at_source=False)
CLOSED = Stored(
    Alias("closed@alias.example", ("a@mailbox.example",), disabled_mailboxes=("a@mailbox.example",)),
    enabled_at_source=True,
)


def inbound(of: Exchange, name: str = "mx1") -> dict[str, str]:
    return parameters(text(named(render_inbound(site(of, name)), "main.cf")))


def out(of: Exchange, name: str = "mx1") -> dict[str, str]:
    return parameters(text(named(render_out(site(of, name)), "main.cf")))


@pytest.mark.parametrize(
    ("of", "name", "expected"),
    [
        pytest.param(exchange(), "mx1", "[127.0.0.1]:20381, [198.51.100.12]:20381", id="pair"),
        pytest.param(exchange(MX1), "mx1", "[127.0.0.1]:20381", id="alone"),
        pytest.param(
            exchange(MX1, MX2, MX3),
            "mx2",
            "[127.0.0.1]:20381, [198.51.100.13]:20381, [198.51.100.11]:20381",
            id="three, the peers by MX priority",
        ),
        pytest.param(
            exchange(MX1, MX2 | PEER_LINK), "mx1", "[127.0.0.1]:20381, [10.0.0.12]:20381", id="peer link"
        ),
        pytest.param(
            exchange(flags=DRAINED),
            "mx1",
            "[198.51.100.12]:20381, [127.0.0.1]:20381",
            id="drained: peer first",
        ),
        pytest.param(
            exchange(flags=DRAINED),
            "mx2",
            "[127.0.0.1]:20381, [198.51.100.11]:20381",
            id="the peer is drained",
        ),
    ],
)
def test_mail_goes_to_the_own_forwarder_first_and_then_to_each_peer(
    of: Exchange, name: str, expected: str
) -> None:
    assert inbound(of, name)["relay_transport"] == f"fwd:{expected}"


def test_bounces_return_through_the_own_public_port_unless_it_is_drained() -> None:
    back = "{{ {domain} = relay:{hops} }}"
    usual = out(exchange())["transport_maps"]
    drained = out(exchange(flags=DRAINED))["transport_maps"]

    for domain in ("alias.example", "masked.example"):
        assert back.format(domain=domain, hops=nexthops(site(), "198.51.100.11", 25)) in usual
        assert back.format(domain=domain, hops="[198.51.100.12]:25, [198.51.100.11]:25") in drained


def test_a_share_of_the_mail_leaves_through_the_peer_and_canaries_stay() -> None:
    maps = inbound(exchange(failover={"standby_share": 20}))["transport_maps"]

    assert "randmap:{ here, here, here, here, peer }" in maps
    here, peer = (
        "fwd:[127.0.0.1]:20381, [198.51.100.12]:20381",
        "fwd:[198.51.100.12]:20381, [127.0.0.1]:20381",
    )
    assert f"inline:{{ {{ here = {here} }}, {{ peer = {peer} }} }}" in maps
    for domain in ("alias.example", "masked.example"):
        assert f"{{ {domain} = served }}" in maps
    for name in ("mx1", "mx2"):
        assert f"{{ canary-{name}@alias.example = {here} }}" in maps


@pytest.mark.parametrize(
    "of", [exchange(failover={"standby_share": 0}), exchange(MX1), exchange(flags=DRAINED)]
)
def test_without_a_share_or_a_peer_and_while_drained_there_is_no_choice(of: Exchange) -> None:
    assert "transport_maps" not in inbound(of)


REPLAYED = {"queue_slots": "shared", "hand_over": False}
"""The forwarder as it was before there were slots and a second host's."""


def test_a_replay_of_a_shared_queue_leaves_all_of_it_to_postfix() -> None:
    ours, replayed = inbound(exchange()), inbound(exchange(forwarder={"queue_slots": "shared"}))

    gone = ours.keys() - replayed.keys()
    assert gone == {
        "fwd_destination_recipient_limit",
        "fwd_destination_concurrency_limit",
        "fwd_initial_destination_concurrency",
        "fwd_destination_concurrency_failed_cohort_limit",
        "queue_run_delay",
        "minimal_backoff_time",
        "maximal_backoff_time",
    }
    assert {name: ours[name] for name in replayed} == replayed


@pytest.mark.parametrize("flags", [{}, DRAINED])
def test_a_replay_of_a_single_host_hands_nothing_over(flags: dict[str, str]) -> None:
    of = exchange(forwarder={"hand_over": False}, flags=flags)
    replayed = inbound(of)

    assert replayed["relay_transport"] == "fwd:[127.0.0.1]:20381"
    assert "transport_maps" not in replayed
    assert out(of) == out(exchange(flags=flags)), "bounces come back as ever"


def test_a_replay_without_the_gate_asks_nobody_in_the_session() -> None:
    ours, replayed = inbound(exchange()), inbound(exchange(gate={"consulted": False}))

    assert replayed["smtpd_milters"] == ""
    assert {name for name in ours if ours[name] != replayed[name]} == {"smtpd_milters"}


def test_what_replays_an_incident_changes_the_inbound_instance_alone() -> None:
    of = exchange(forwarder=REPLAYED, gate={"consulted": False})

    assert render_out(site(of)) == render_out(site())
    changed = [
        file.path
        for file, usual in zip(render_inbound(site(of)), render_inbound(site()), strict=True)
        if file != usual
    ]
    assert changed == ["/etc/postfix/main.cf"]


def test_draining_takes_away_the_public_port_and_no_other_service() -> None:
    usual = services(text(named(render_inbound(site()), "master.cf")))
    drained = services(text(named(render_inbound(site(exchange(flags=DRAINED))), "master.cf")))

    assert usual.keys() - drained.keys() == {"smtp inet"}
    assert drained.items() <= usual.items()


def test_the_wait_for_the_forwarder_is_the_inventorys() -> None:
    of = exchange(deadlines={"data_done_seconds": 90})
    fwd = services(text(named(render_inbound(site(of)), "master.cf")))["fwd unix"]

    assert "smtp_data_done_timeout=90s" in fwd


def test_only_a_host_with_ipv6_sends_from_ipv6() -> None:
    assert out(exchange(MX1 | IPV6, MX2))["smtp_bind_address6"] == "2001:db8:1::11"
    assert "smtp_bind_address6" not in out(exchange())


def test_each_hop_takes_what_the_one_before_it_accepted() -> None:
    of = exchange(messages={"max_bytes": 1_000_000})
    first, second = inbound(of), out(of)

    assert int(first["message_size_limit"]) == 1_000_000 < int(second["message_size_limit"])
    for instance in (first, second):
        assert int(instance["queue_minfree"]) >= 2 * int(instance["message_size_limit"])


def answers(of: Exchange) -> list[tuple[str, ...]]:
    """Pattern and answer of each rule, in order."""
    lines = text(named(render_inbound(site(of)), "alias_answers.pcre")).splitlines()
    return [tuple(re.split("/  ", line[1:], maxsplit=1)) for line in lines if not line.startswith("#")]


def reply(rules: list[tuple[str, ...]], stored: Stored) -> str:
    """What the first rule that knows the record's action makes of it."""
    action = encode(stored).partition(b"\0")[0].decode()
    return next(answer for pattern, answer in rules if re.fullmatch(pattern, action))


def test_a_sender_to_a_disabled_mailbox_is_told_what_the_inventory_says() -> None:
    ours, said = answers(exchange()), answers(exchange(gate={"mailbox_disabled_text": "5.2.1 moved for $5"}))

    assert reply(ours, CLOSED) == "550 5.2.1 The mailbox behind this alias is disabled"
    assert reply(said, CLOSED) == "550 5.2.1 moved for $$5"
    assert reply(said, OFF) == "550 5.1.1 this alias is disabled"


def test_a_sender_to_a_disabled_alias_is_told_what_the_inventory_says() -> None:
    """Postfix's own tools have shown that a `$` is written twice in such a table, and a `%` once."""
    of = exchange(gate={"disabled_text": "5.2.1 closed, 100% of it, for $5"})
    *_, rest = rules = answers(of)

    assert reply(rules, OFF) == "550 5.2.1 closed, 100% of it, for $$5"
    assert rest == ("^(.*)$", "$1")
    assert inbound(of)["smtpd_recipient_restrictions"].count("pcre:/etc/postfix/alias_answers.pcre") == 2


def test_what_changed_lately_is_asked_before_the_base_and_nothing_after_the_two() -> None:
    """The delta's OK ends the list: a check behind it would be skipped for some aliases."""
    main = inbound(exchange())
    delta, base = (f"lmdb:/var/lib/twinmx/aliases/{name}" for name in ("aliases-changes", "aliases"))
    *_, first, last = main["smtpd_recipient_restrictions"].split(", check_recipient_access ")

    assert main["relay_recipient_maps"].startswith(f"{delta} {base} ")
    assert f"{delta}," in first
    assert f"{base}," in last


def test_a_sender_that_cannot_be_sent_on_is_refused_in_the_session() -> None:
    """Without SMTPUTF8 a sender that is not ASCII goes no further; refused later it would be a bounce."""
    assert inbound(exchange())["strict_smtputf8"] == "yes"


def test_srs_addresses_are_recognised_in_the_served_domains_alone() -> None:
    shape = text(named(render_inbound(site()), "srs_shape.pcre"))

    assert r"@(alias\.example|masked\.example)" in shape


def ignored(record: str) -> bool:
    """Whether postfix-out leaves out a record, as smtp_dns_reply_filter is shown it (postconf(5))."""
    lines = text(named(render_out(site()), "loopback_records.pcre")).splitlines()
    rules = [re.fullmatch("/(.*)/  IGNORE", line) for line in lines if not line.startswith("#")]
    return any(re.search(rule[1], record, re.IGNORECASE) for rule in rules if rule)


@pytest.mark.parametrize(
    "value",
    [
        *("A 127.0.0.1", "A 127.255.0.2", "A 0.0.0.0", "AAAA ::1", "AAAA ::", "AAAA ::ffff:127.0.0.2"),
        *("MX 10 127.0.0.2.", "MX 0 0.0.0.0.", "MX 10 ::1.", "MX 10 0:0:0:0:0:ffff:127.0.0.2."),
        *("MX 10 0x7f000002.", "MX 10 0X7F.2.", "MX 10 127.0x0.2."),
    ],
)
def test_what_leads_to_the_host_itself_is_left_out(value: str) -> None:
    assert ignored(f"far.example. 300 IN {value}")


@pytest.mark.parametrize(
    "value",
    [
        *("A 198.51.100.127", "A 198.127.0.1", "A 10.0.0.1", "AAAA 2001:db8::1", "AAAA ::ffff:198.51.100.1"),
        *("MX 10 mx.far.example.", "MX 10 198.51.100.10.", "MX 10 127.0.0.1.example.", "MX 10 0xbad.de."),
        *("MX 10 127.0.0.x.", "TLSA 3 1 1 127", "CNAME 127.0.0.1.far.example."),
    ],
)
def test_what_leads_elsewhere_stays(value: str) -> None:
    assert not ignored(f"127.0.0.1.far.example. 300 IN {value}")


@pytest.mark.parametrize("workers", ["1", "8"])
def test_postfix_out_has_a_process_for_every_connection_of_the_forwarder(workers: str) -> None:
    """One that gets none would wait for its greeting until the deadline."""
    of = exchange(flags={"workers": workers})
    smtpd = services(text(named(render_out(site(of)), "master.cf")))["127.0.0.1:20386 inet"]
    kept = tomllib.loads(text(named(forwarder.render_files(site(of)), "forwarder.toml")))["reinject"]

    most = smtpd.split()[4]
    assert int(most) > int(workers) * kept["connections"]


def test_the_instances_have_names_queues_and_data_of_their_own() -> None:
    first, second = inbound(exchange()), out(exchange())

    assert first["myhostname"] != second["myhostname"]
    assert second["smtp_helo_name"] == first["myhostname"] == "mx1.alias.example"
    assert second["queue_directory"] != "/var/spool/postfix"
    assert second["data_directory"] != "/var/lib/postfix"


def test_tls_older_than_the_inventory_allows_is_refused() -> None:
    of = exchange(tls={"certificate": "c", "key": "k", "minimum": "TLSv1.3"})

    assert inbound(of)["smtpd_tls_protocols"] == ">=TLSv1.3"


@pytest.mark.parametrize("render", [render_inbound, render_out])
def test_a_master_that_was_killed_comes_back(render: Callable[[Site], list[Managed]]) -> None:
    """The packaged units say Restart=no."""
    assert "\nRestart=always\n" in text(named(render(site(exchange(), "mx1")), "twinmx.conf"))
