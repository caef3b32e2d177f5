"""Mistakes about what a host may do by itself."""

from tests.unit.inventory.bad_facts.row import Bad


def bad(text: str, says: str) -> Bad:
    """A section `failover` of this text."""
    return Bad("forwarder:\n", f"failover: {text}\nforwarder:\n", "failover: ", says)


ROWS = {
    "failover in no mode": bad("{mode: maybe}", "failover.mode: 'maybe'; allowed: auto or manual"),
    "acts too close": bad(
        "{minimum_seconds: 59}",
        "failover.minimum_seconds: 59; allowed: a whole number from 60 to 86400",
    ),
    "no period": bad("{period_seconds: 0}", "failover.period_seconds: 0; allowed: a whole number from 1"),
    "lease of too few periods": bad(
        "{lease_seconds: 19}",
        "failover.lease_seconds: 19: a lease has at least 4 periods, or one lost message ends it; allowed: "
        "a number from 20 on",
    ),
    "period too long for the lease": bad(
        "{period_seconds: 16}",
        "failover.period_seconds: 16: a lease has at least 4 periods, or one lost message ends it; allowed: "
        "a number up to 15",
    ),
    "standby share of more than half": bad(
        "{standby_share: 51}", "failover.standby_share: 51; allowed: a whole number from 0 to 50"
    ),
    "rule that does not exist": bad(
        "{rules: {forwarder: {periods: 3}}}",
        "failover.rules.forwarder: no such key. Did you mean forwarders?",
    ),
    "rule of no periods": bad(
        "{rules: {gates: {periods: 0}}}",
        "failover.rules.gates.periods: 0; allowed: a whole number from 1 to 1000",
    ),
    "engine left out for a moment": bad(
        "{rules: {engine: {bypass_seconds: 5}}}",
        "failover.rules.engine.bypass_seconds: 5; allowed: a whole number from 60 to 86400",
    ),
}
