"""Note what a plan runs, and what it wants of each host, as the answer the host would give once it is so."""

import atexit
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyinfra.connectors.fake import FakeConnector
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


def keep_commands(path: Path) -> None:
    """From now on append every command, upload and download on a fake host to `path`: a JSON line each."""

    def kept(name: str) -> Callable[..., Any]:
        original = getattr(FakeConnector, name)

        def keep(self: FakeConnector, *given: Any, **options: Any) -> Any:
            with path.open("a") as lines:
                lines.write(json.dumps([self.host.name, name, str(given[0])]) + "\n")
            return original(self, *given, **options)

        return keep

    for name in ("run_shell_command", "put_file", "get_file"):
        setattr(FakeConnector, name, kept(name))
