"""Settings of Rspamd in force, as `rspamadm configdump` sees them with all files and overrides read."""

import json
from collections.abc import Iterator
from typing import Any

from twinmx.drift.asking import run
from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest


def check(manifest: Manifest) -> Iterator[Finding]:
    """What differs from the manifest."""
    if manifest.rspamd:
        yield from judge(manifest, json.loads(run("rspamadm", "configdump", "--json")))


def judge(manifest: Manifest, dump: Any) -> Iterator[Finding]:
    """The differences between the manifest and the whole configuration."""
    for name, wanted in manifest.rspamd.items():
        found = looked_up(dump, name.split("."))
        if found != wanted:
            shown = "nothing" if found is None else json.dumps(found)
            problem = f"{shown} instead of {json.dumps(wanted)}"
            yield Finding(kind="rspamd", name=name, problem=problem)


def looked_up(within: Any, key: list[str]) -> Any:
    """The value at `key`; of sections that are given several times, the one that has it. None without one."""
    if not key:
        return within
    if isinstance(within, list):
        values = (looked_up(part, key) for part in within)
        return next((value for value in values if value is not None), None)
    return looked_up(within[key[0]], key[1:]) if isinstance(within, dict) and key[0] in within else None
