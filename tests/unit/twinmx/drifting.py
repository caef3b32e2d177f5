"""A manifest to compare with, and what programs of Debian 13 said on a host that is as it shall be."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest

RECORDED = Path(__file__).parent / "drift_recorded"


def manifest(**changes: Any) -> Manifest:
    """One that wants nothing, with `changes`."""
    nothing: dict[str, Any] = {
        **{key: {} for key in ("files", "packages", "units", "postfix", "rspamd", "kernel")},
        **{key: [] for key in ("absent", "sockets", "ignored", "places", "generated", "allowed")},
        "firewall": None,
        "logins": None,
        "release": "/nowhere",
    }
    return Manifest.model_validate(nothing | changes)


def recorded(name: str) -> str:
    """The answer of a program, as it was: postconf -n and -M, nft -s list, rspamadm configdump --json."""
    return (RECORDED / name).read_text()


def told(found: Iterable[Finding]) -> dict[str, str]:
    """Key → problem."""
    return {finding.key: finding.problem for finding in found}
