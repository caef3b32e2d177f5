"""Note what a plan wants of each host, as the answer that the host would give once it is so."""

import atexit
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyinfra.context import host

from roles.lib import converge, files, packages

VERSION = "1:99.0-1"
ACTIVE = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "NeedDaemonReload": "no",
}

State = dict[str, dict[str, Any]]

_states: dict[str, State] = defaultdict(lambda: {"packages": {}, "files": {}, "units": {}, "stamps": {}})


def _packages(wanted: dict[str, Any], state: State) -> None:
    state["packages"] |= dict.fromkeys(wanted["packages"], VERSION)


def _files(wanted: dict[str, Any], state: State) -> None:
    state["files"] |= {file.path: file.state for file in wanted["files"]}
    state["files"] |= dict.fromkeys(wanted["absent"])


def _converged(wanted: dict[str, Any], state: State) -> None:
    state["files"] |= {file.path: file.state for file in wanted["inputs"]}
    state["units"] |= {unit: {"Id": unit} | ACTIVE for unit in [*wanted["units"], *wanted["at_boot"]]}
    versions = dict.fromkeys(wanted["packages"], VERSION)
    state["stamps"][wanted["label"]] = converge.fingerprint(wanted["inputs"], versions, wanted["apply"])


def _noting(
    operation: Callable[..., Any], note: Callable[[dict[str, Any], State], None]
) -> Callable[..., Any]:
    def noted(**wanted: Any) -> Any:
        note(wanted, _states[host.name])
        return operation(**wanted)

    return noted


def record(path: Path) -> None:
    """From now on note every operation; when the process ends, write the hosts' states to `path`."""
    for module, name, note in (
        (packages, "_packages", _packages),
        (files, "_checked_files", _files),
        (converge, "_converged", _converged),
    ):
        setattr(module, name, _noting(getattr(module, name), note))
    atexit.register(lambda: path.write_text(json.dumps(_states)))
