"""Mistakes about drift: how often, what may differ, and whose keys."""

from tests.unit.inventory.bad_facts.row import Bad

AT = "access:"


def _drift(text: str) -> str:
    return f"drift:\n{text}access:"


ROWS = {
    "a comparison never": Bad(
        AT, _drift("  minutes: 0\n"), "minutes: 0", "drift.minutes: 0; allowed: a whole number from 1 to 1440"
    ),
    "an allowance of no kind": Bad(
        AT,
        _drift("  allowed: [/etc/cron.d/backup]\n"),
        "allowed:",
        "drift.allowed entry 1: '/etc/cron.d/backup'; allowed: a kind and a name as",
    ),
    "a key instead of its fingerprint": Bad(
        AT,
        _drift("  ssh_keys: [ssh-ed25519 AAAA]\n"),
        "ssh_keys:",
        "drift.ssh_keys entry 1: 'ssh-ed25519 AAAA'; allowed: the fingerprint of a public key",
    ),
}
