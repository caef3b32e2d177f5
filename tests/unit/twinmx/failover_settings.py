"""Settings of an agent of mx1, with everything small, and samples of what programs expose."""

from typing import Any

from twinmx.failover.samples import Samples
from twinmx.failover.settings import Settings

HOSTS = [
    {
        "name": name,
        "fqdn": f"{name}.alias.example",
        "address": address,
        "preference": preference,
        "active": True,
    }
    for name, address, preference in (("mx1", "127.0.0.1", 10), ("mx2", "127.0.0.2", 20))
]
RULES: dict[str, dict[str, Any]] = {
    "forwarders": {"periods": 2},
    "gates": {"periods": 4},
    "postfix": {"periods": 2},
    "canary": {"periods": 2, "seconds": 10},
    "pending": {"periods": 2, "messages": 50},
    "deferrals": {
        "periods": 2,
        "share_percent": 50,
        "deliveries": 20,
        "peer_deliveries": 5,
        "window_seconds": 60,
    },
    "disk": {"periods": 2, "free_bytes": 1000, "free_inodes": 100},
    "engine": {
        "periods": 2,
        "share_percent": 50,
        "scans": 10,
        "window_seconds": 60,
        "bypass_seconds": 600,
    },
    "peer": {"periods": 3},
}


def settings(directory: str = "/tmp", **changes: Any) -> Settings:
    """Settings whose files are in `directory`."""
    facts: dict[str, Any] = {
        "name": "mx1",
        "mode": "auto",
        "hosts": HOSTS,
        "exempt": ["127.0.0.1", "127.0.0.2"],
        "metrics": {"address": "127.0.0.1", "port_base": 20461},
        "local": {
            "forwarders": 2,
            "forwarders_base": 20400,
            "gates": 2,
            "gates_base": 20480,
            "queues_port": 20460,
            "canary_port": 20461,
            "engines": ["rspamd", "spamassassin"],
            "overrides": f"{directory}/engines.json",
        },
        "timing": {
            "minimum_seconds": 360,
            "period_seconds": 0.25,
            "good_periods": 3,
            "lease_seconds": 2,
            "drain_seconds": 30,
            "patience_seconds": 0.2,
        },
        "rules": RULES,
        "places": {"state": directory, "runtime": directory},
    }
    return Settings.model_validate(facts | changes)


def samples(text: str) -> Samples:
    """What a program exposes, with all of its names."""
    names = {line.partition("{")[0].partition(" ")[0] for line in text.splitlines()}
    return Samples.parse(text, names)
