"""A host in a folder, which keeps what it is and goes back to it (roles/lib/onhost/generation.py)."""

import json
import subprocess
import sys
from pathlib import Path

from roles.lib.observed import ONHOST

PROGRAM = ONHOST / "generation.py"


class Host:
    """A host in a folder: its files, and services that take down what they were started with."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "var"
        self.etc = folder / "etc"
        self.started = folder / "started"
        self.etc.mkdir()
        for name in ("converged", "applied"):
            (self.home / name).mkdir(parents=True)

    def put(self, name: str, content: str, mode: int = 0o644) -> Path:
        file = self.etc / name
        file.write_text(content)
        file.chmod(mode)
        return file

    def apply(self, service: str, file: str, position: int = 0, healthy: str = "true") -> None:
        """As a converge starts a service that reads `file`."""
        apply = f"echo {service} $(cat {self.etc / file}) >>{self.started}"
        how = {"order": position, "apply": apply, "healthy": healthy, "units": [], "seconds": 0}
        (self.home / "applied" / service).write_text(json.dumps(how))
        (self.home / "converged" / service).write_text(f"stamp of {(self.etc / file).read_text()}\n")

    def asked(self, act: str, *paths: Path, failed: bool = False) -> subprocess.CompletedProcess[str]:
        asked: dict[str, object] = {"act": act, "home": str(self.home), "failed": failed}
        question = asked | {"paths": [str(path) for path in paths]}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM.read_text()],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            check=False,
        )

    def do(self, act: str, *paths: Path) -> str:
        done = self.asked(act, *paths)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def starts(self) -> list[str]:
        return self.started.read_text().splitlines() if self.started.exists() else []


def converged(host: Host, file: Path, content: str) -> None:
    """A converge that is found good."""
    host.do("save", file)
    host.put(file.name, content)
    host.apply("postfix", file.name)
    host.do("commit")
