"""Have every host compare itself, all at once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import ValidationError

from controller.remote import UNREACHED, Remote
from inventory.alias_source import DATABASE_HOST
from roles.drift import PROGRAM
from twinmx.drift.finding import Report

COMMAND = f"nice {PROGRAM} --json"
MISSING = 127
"""The shell's exit status of a command that is not there."""


def hosts_of(data: Mapping[str, Mapping[str, Any]]) -> dict[str, Remote]:
    """The hosts of an inventory as pyinfra reads it, by the names that a plan has; not the controller."""
    named = {
        facts.get("exchanger") or (DATABASE_HOST if facts.get("database") else ""): facts
        for facts in data.values()
    }
    return {name: Remote(name, facts) for name, facts in named.items() if name}


def ask_all(hosts: Mapping[str, Remote]) -> dict[str, Report | str]:
    """What each host says, or why it says nothing."""
    with ThreadPoolExecutor(max_workers=max(len(hosts), 1)) as pool:
        return dict(zip(hosts, pool.map(ask, hosts.values()), strict=True))


def ask(host: Remote) -> Report | str:
    """What a host says of itself, or why it says nothing."""
    if "ssh_hostname" not in host.data:
        return "its inventory gives no ssh_hostname: it is asked over SSH"
    answer = host.try_(COMMAND)
    if answer.status == MISSING:
        return "it has no program that compares it: converge it first"
    if answer.status == UNREACHED:
        return answer.said or "it was not reached"
    try:
        return Report.model_validate_json(answer.output)
    except ValidationError:
        return answer.said or f"its program that compares it ended with {answer.status}"
