"""What a converge would do with hosts that have nothing yet."""

import pytest

from tests.plan.planning import Planner, Ran

# role → its operations; a role needs what stands above it
ORDER = {
    "drill": ["drill: ended", "drill: files"],
    "base": ["preflight", "base: packages", "base: files", "base: converged"],
    "ssh": ["ssh: files", "ssh: given back"],
    "firewall": ["firewall: packages", "firewall: files", "nftables: converged"],
    "tls": ["tls: files"],
    "resolver": ["resolver: packages", "resolver: files", "unbound: converged", "resolv.conf: files"],
    "valkey": ["valkey: packages", "valkey: files", "valkey-server: converged"],
    "rspamd": ["rspamd: packages", "rspamd: files", "rspamd: converged"],
    "spamassassin": ["spamassassin: packages", "spamassassin: files", "spamd: converged"],
    "release": ["release: packages", "release", "mxctl: files"],
    "aliases": ["aliases: files", "aliases: converged"],
    "forwarder": ["forwarder: files", "forwarder: converged"],
    "gate": ["gate: files", "gate: converged"],
    "signing": ["signing: packages", "signing: files", "rspamd-signing: converged"],
    "delivery": [
        "delivery: packages",
        "delivery: files",
        "dane: converged",
        "postfix-mta-sts-resolver: converged",
    ],
    "tlsrpt": ["tlsrpt: files", "tlsrpt: ended"],
    "postfix": ["postfix: packages", "postfix: files", "postfix@out: converged", "postfix: converged"],
    "queues": ["queues: files", "queues: converged"],
    "canary": ["canary: files", "canary: converged"],
    "failover": ["failover: files", "failover: converged"],
    "exporters": [
        "exporters: packages",
        "exporters: files",
        "prometheus-node-exporter: converged",
        "prometheus-blackbox-exporter: converged",
        "prometheus-redis-exporter: converged",
        "vitals: converged",
    ],
    "prometheus": ["prometheus: packages", "prometheus: files", "prometheus: converged"],
    "alertmanager": [
        "alertmanager: packages",
        "alertmanager: files",
        "prometheus-alertmanager: converged",
    ],
    "drift": ["drift: files", "drift: converged"],
}
BOTH = {"@fake/mx1", "@fake/mx2"}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The plan of a bare pair."""
    planner = Planner.in_folder(tmp_path_factory.mktemp("plan"))
    ran = planner.run("--dry", "--json", "-vv", "--limit", "exchangers")
    assert ran.status == 0, ran.told
    return ran


def test_everything_is_planned_in_the_order_of_need(plan: Ran) -> None:
    assert [operation["name"] for operation in plan.planned] == [
        f"{role} | {operation}" for role, operations in ORDER.items() for operation in operations
    ]


def test_everything_but_preflight_and_what_nobody_asked_for_changes_both_hosts(plan: Ran) -> None:
    changed = {operation["name"]: set(operation["hosts_with_change"]) for operation in plan.planned}

    unasked = [f"ssh | ssh: {what}" for what in ("files", "given back")]
    unasked += [f"tlsrpt | tlsrpt: {what}" for what in ("files", "ended")]
    unasked += [f"drill | drill: {what}" for what in ("files", "ended")]
    for left_alone in ("base | preflight", *unasked):
        assert changed.pop(left_alone) == set()
    assert all(hosts == BOTH for hosts in changed.values()), changed


def test_a_plan_only_asks(plan: Ran) -> None:
    for name in ("mx1", "mx2"):
        assert plan.commands_on(name), "the host is asked"
        assert all("python3 -c" in command for command in plan.commands_on(name))


def test_no_wheel_is_built_for_a_plan(plan: Ran) -> None:
    assert "Building the programs" not in plan.told


def test_no_secret_shows_in_a_plan_with_differences(planner: Planner) -> None:
    ran = planner.run("--dry", "--diff", "-vv", "--limit", "exchangers")

    shown = ran.output + ran.told
    assert "myhostname = mx1.alias.example" in shown, "the differences are shown"
    for secret in ("correct-horse-battery", "0123456789abcdefghijklmnopqrstuv", "PRIVATE KEY"):
        assert secret not in shown


def test_without_a_name_server_the_records_are_told_to_the_operator(planner: Planner) -> None:
    facts = planner.files.facts
    facts.write_text(facts.read_text().replace("  server: 198.51.100.10\n", ""))

    ran = planner.run("--dry", "--limit", "@local")

    assert ran.status == 0, ran.told
    for record in (
        "alias.example. 300 MX 10 mx1.alias.example.",
        "masked.example. 300 MX 20 mx2.alias.example.",
        "mx1.alias.example. 300 A 198.51.100.11",
        'alias.example. 300 TXT "v=spf1 ip4:198.51.100.11 ip4:198.51.100.12 -all"',
    ):
        assert f"to be set by you: {record}" in ran.told
