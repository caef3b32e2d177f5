"""Who administers the hosts, and when they change by themselves."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from inventory.knob import Form, Network, Settings, knob

Clock = Annotated[
    str,
    Form("a time of the day as HH:MM, in quotes"),
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
]
Group = Annotated[
    str,
    Form("the name of a group, as in sudo"),
    StringConstraints(pattern=r"^[a-z_][a-z0-9_-]*$", max_length=32),
]


class Ssh(Settings):
    """How operators log in. Only where this group is given is sshd touched at all."""

    root_login: Literal["key", "no"] = knob(
        "key", says="Whether root may log in: with a key, or not at all (then by sudo)."
    )
    passwords: bool = knob(False, says="Accept passwords; without them a key is needed.")
    groups: tuple[Group, ...] = knob((), says="Only members of these groups may log in; empty: all users.")
    login_seconds: int = knob(
        30, ge=5, le=600, says="How long a client may take until it has logged in.", unit="seconds"
    )


class Access(Settings):
    """Who administers the hosts, and security updates."""

    ssh_from: tuple[Network, ...] = knob(
        min_length=1, says="Networks from which SSH is reachable; the firewall drops it from all others."
    )
    ssh_port: int = knob(22, ge=1, le=65535, says="The port on which the hosts' sshd listens.")
    ssh: Ssh | None = knob(None, says="How operators log in; left out, sshd stays as it is.")
    upgrades: bool = knob(True, says="Install Debian's security updates unattended.")
    upgrades_from: Clock = knob(
        "02:00",
        says="When, in UTC, the last exchanger of the inventory installs them, drained; each other follows "
        "two hours after the one after it (sooner where there are more than twelve).",
    )
