"""The workers of one of our programs: what they say over HTTP, and the settings they run with."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from inventory.schema import Exchanger
from tests.hosts.asking import Host, run_python

PYTHON = "/opt/twinmx/current/bin/python3"
SETTINGS = """
from pathlib import Path
from twinmx.{program}.settings import Settings
from twinmx.program.settings import load_settings
print(load_settings(Path("/etc/twinmx/{program}.toml"), Settings).model_dump_json())
"""


@dataclass(frozen=True)
class Workers:
    """All workers of `program` on a host; number N serves its metrics on `metrics_base` + N."""

    program: str
    metrics_base: int

    def answer(self, exchanger: Exchanger, worker: int, path: str) -> str:
        """What worker N says over HTTP."""
        url = f"http://{exchanger.peer}:{self.metrics_base + worker}{path}"
        with urllib.request.urlopen(url, timeout=3) as response:
            return str(response.read().decode())

    def is_well(self, exchanger: Exchanger, worker: int) -> bool:
        """Whether worker N is there and says that it is well."""
        try:
            return self.answer(exchanger, worker, "/healthz") == "ok\n"
        except OSError:
            return False

    def settings(self, host: Host) -> dict[str, Any]:
        """The settings as the program reads them."""
        read: dict[str, Any] = json.loads(run_python(host, SETTINGS.format(program=self.program), PYTHON))
        return read
