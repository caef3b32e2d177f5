"""Ask a host what listens on it."""

import json
import shlex
from collections.abc import Callable
from typing import Any

from roles.lib.observed import ONHOST


def ask(run: Callable[[str], str]) -> dict[str, Any]:
    """What roles/lib/onhost/sockets.py says; `run` runs a shell command there and returns its output."""
    program = (ONHOST / "sockets.py").read_text(encoding="utf-8")
    observed: dict[str, Any] = json.loads(run(f"python3 -c {shlex.quote(program)}"))
    return observed
