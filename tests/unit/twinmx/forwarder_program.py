"""A worker of the forwarder as a process, with ports of its own."""

from pathlib import Path

from tests.unit.twinmx.forwarder_settings import forwarder_settings
from tests.unit.twinmx.supervised import Supervised, free_port

KEY = "k" * 32


class ForwarderProgram(Supervised):
    """Reports to "systemd" ten times a second; `snapshot` lies in its directory."""

    def __init__(self, snapshot: Path, reinject_port: int) -> None:
        directory = snapshot.parent
        self.port, self.socketmap_port, self.metrics_base = free_port(), free_port(), free_port(2)
        self.snapshot = snapshot
        for name in ("quarantine", "delivered"):
            (directory / name).mkdir()
        (directory / "srs-keys").write_text(f"{KEY}\n")
        super().__init__("twinmx.forwarder.main", directory / "forwarder.toml", patience_seconds=10)
        self.environment["WATCHDOG_USEC"] = "100000"
        self.settings.write_text(
            forwarder_settings(
                directory,
                port=self.port,
                metrics_base=self.metrics_base,
                reinject_port=reinject_port,
                socketmap_port=self.socketmap_port,
            )
        )
