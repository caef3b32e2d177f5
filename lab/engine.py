"""A Docker engine that answers: the one that is there, or Debian's, installed and started.

The lab drives it with the `docker` command: it is there wherever an engine is, Vagrant needs it anyway,
and what the lab does can be repeated by hand.
"""

import os
import signal
import subprocess
from pathlib import Path

from lab.command import attempt, run
from lab.errors import LabError
from lab.settings import STATE
from lab.waiting import until

LOG = STATE / "dockerd.log"
PID = STATE / "dockerd.pid"
START_SECONDS = 60
STOP_SECONDS = 60


def docker(*arguments: str, given: bytes | None = None, seconds: float | None = None) -> str:
    """Run `docker` and return its standard output; raises LabError with Docker's own words."""
    return run(["docker", *arguments], given=given, seconds=seconds)


def answers() -> bool:
    """Whether an engine answers, here or where DOCKER_HOST or the current context points to."""
    try:
        return attempt(["docker", "version", "--format", "{{.Server.Version}}"]).returncode == 0
    except LabError:
        return False


def install(packages: list[str], *, where_known: tuple[str, ...] = ()) -> None:
    """Install Debian `packages`, and those of `where_known` that this release has.

    Raises LabError off Debian or without root.
    """
    if not Path("/usr/bin/apt-get").exists() or os.geteuid() != 0:
        raise LabError(
            f"{', '.join(packages)} must be installed, and that takes apt-get and root",
            "install it by your system's own means and start the Docker engine, then try again",
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], environment=environment)
    known = [name for name in where_known if attempt(["apt-cache", "show", name]).returncode == 0]
    arguments = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages, *known]
    run(arguments, environment=environment)


def _start_by_hand() -> None:
    """Start dockerd where no init system does it; it outlives this process."""
    STATE.mkdir(parents=True, exist_ok=True)
    with LOG.open("ab") as log:
        daemon = subprocess.Popen(
            ["dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    PID.write_text(f"{daemon.pid}\n")

    def up_or_dead() -> bool:
        if daemon.poll() is not None:
            tail = "\n".join(LOG.read_text(errors="replace").splitlines()[-15:])
            raise LabError(f"dockerd ended with {daemon.returncode}:\n{tail}", f"the log is {LOG}")
        return answers()

    until(up_or_dead, START_SECONDS, "an answer of dockerd", f"the log is {LOG}")


def ensure() -> str:
    """Have an engine that answers; returns how it came to be there, in a few words."""
    if answers():
        return "an engine answers"
    if not Path("/usr/sbin/dockerd").exists() and not Path("/usr/bin/dockerd").exists():
        # Debian 13 has the command line in a package of its own, Debian 12 has it in docker.io
        install(["docker.io", "iptables"], where_known=("docker-cli",))
    if Path("/run/systemd/system").is_dir():
        run(["systemctl", "start", "docker"], way_out="look at `journalctl -u docker`")
        until(answers, START_SECONDS, "an answer of docker.service", "`journalctl -u docker`")
        return "docker.service started"
    _start_by_hand()
    return f"dockerd started, log in {LOG}"


def _started_here() -> int | None:
    """The process id of the dockerd that the lab started, if it still runs."""
    if not PID.exists():
        return None
    pid = int(PID.read_text())
    name = Path(f"/proc/{pid}/comm")
    return pid if name.exists() and name.read_text().strip() == "dockerd" else None


def stop_if_ours() -> str:
    """Stop the dockerd that the lab started, unless it runs somebody else's containers."""
    pid = _started_here()
    if pid is None:
        return "the engine is not the lab's: left running"
    if docker("ps", "-q").strip():
        return "the engine runs other containers: left running"
    os.kill(pid, signal.SIGTERM)
    process = Path(f"/proc/{pid}/comm")
    until(lambda: is_gone(process), STOP_SECONDS, f"the end of dockerd (process {pid})")
    return "dockerd stopped"


def is_gone(process: Path) -> bool:
    """Whether the process ended; one that only waits to be reaped counts as ended."""
    try:
        return process.with_name("stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
