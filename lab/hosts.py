"""Create, start and remove the lab's containers.

A container carries a hash of how it was made: one made otherwise is made anew, a healthy one is left as it
is. `docker stop` is never used on a host that goes on living; drills freeze or disconnect it instead.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from lab import ssh
from lab.command import attempt
from lab.engine import docker
from lab.errors import LabError
from lab.settings import (
    HOSTS,
    LABEL,
    NETWORK,
    OUTSIDE,
    PACKAGES_VOLUME,
    ROOT,
    STATE,
    LabHost,
)
from lab.waiting import until

MAILBOXES = STATE / "mailboxes"
SINKS = "/var/mail/sinks"
PACKAGE_CACHE = "/var/cache/apt-cacher-ng"
BOOT_SECONDS = 60
FLAGS = (
    # systemd mounts file systems and sets up namespaces for its services; roles load nftables rules
    *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"),
    # root reads what others own, as on any server
    *("--cap-add", "DAC_READ_SEARCH"),
    # root sees which process holds a socket, as on any server
    *("--cap-add", "SYS_PTRACE"),
    # the default profiles refuse what these capabilities are for
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    # ports below 1024 are privileged, as on any server (Docker's default is that none is)
    *("--sysctl", "net.ipv4.ip_unprivileged_port_start=1024"),
    # systemd owns a control group tree of its own
    "--cgroupns=private",
    *("--tmpfs", "/run", "--tmpfs", "/run/lock"),
    *("--env", "container=docker"),
)


def _mounts(host: LabHost) -> list[str]:
    keys = f"{ssh.host_directory(host)}:/etc/ssh/lab:ro"
    if host is OUTSIDE:
        outside = [f"{PACKAGES_VOLUME}:{PACKAGE_CACHE}", f"{MAILBOXES}:{SINKS}"]
        return [argument for mount in [keys, *outside] for argument in ("--volume", mount)]
    return ["--volume", keys, "--env", f"LAB_RESOLVER={OUTSIDE.address}"]


def create_arguments(host: LabHost) -> list[str]:
    """The arguments of `docker create` for `host`, without its name and image."""
    return [
        *("--hostname", host.fqdn, "--network", NETWORK, "--ip", str(host.address)),
        *FLAGS,
        *_mounts(host),
        *("--label", f"{LABEL}={host.group}", "--label", f"{LABEL}.root={ROOT}"),
    ]


def spec_of(host: LabHost, image: str) -> str:
    """A hash of how `host` is made, kept as a label of its container."""
    return hashlib.sha256(json.dumps([image, create_arguments(host)]).encode()).hexdigest()[:16]


def labelled_arguments(host: LabHost, image: str) -> list[str]:
    """`create_arguments`, with the label that says how the container was made."""
    return [*create_arguments(host), "--label", f"{LABEL}.spec={spec_of(host, image)}"]


def _inspect(host: LabHost) -> dict[str, Any] | None:
    done = attempt(["docker", "container", "inspect", host.name])
    if done.returncode:
        return None
    described: dict[str, Any] = json.loads(done.stdout)[0]
    return described


def state_of(host: LabHost) -> str:
    """Docker's word for the state of the host's container, or "absent"."""
    described = _inspect(host)
    return "absent" if described is None else str(described["State"]["Status"])


def _refuse_foreign(host: LabHost, described: dict[str, Any]) -> None:
    """Raise LabError when the container is somebody else's, or of another copy's lab that is up.

    One of another copy that does not run is a leftover, from an engine that was killed for instance.
    """
    root = described["Config"]["Labels"].get(f"{LABEL}.root")
    if root is None:
        raise LabError(
            f"the container {host.name} is not the lab's, but has the name of one",
            f"rename it: docker rename {host.name} NEW_NAME",
        )
    if root != str(ROOT) and described["State"]["Running"]:
        raise LabError(
            f"the lab of another copy of this project, {root}, is up on this machine",
            f"take it down first: make -C {root} down",
        )


def start(host: LabHost, image: str) -> str:
    """Have `host` run as it shall be made; returns what was done: kept, started, created or replaced."""
    described = _inspect(host)
    done = "created"
    if described is not None:
        _refuse_foreign(host, described)
        if described["Config"]["Labels"].get(f"{LABEL}.spec") == spec_of(host, image):
            if described["State"]["Running"]:
                return "kept"
            docker("start", host.name)
            return "started"
        docker("rm", "--force", "--volumes", host.name)
        done = "replaced"
    if host is OUTSIDE:
        MAILBOXES.mkdir(parents=True, exist_ok=True)
    docker("create", "--name", host.name, *labelled_arguments(host, image), image)
    docker("start", host.name)
    return done


def _boot_state(host: LabHost) -> str | None:
    """What systemd says of the boot once it is over; raises LabError when the container has ended."""
    done = attempt(["docker", "exec", host.name, "systemctl", "is-system-running"])
    said = done.stdout.decode().strip()
    if said in ("running", "degraded"):
        return said
    if state_of(host) != "running":
        log = attempt(["docker", "logs", "--tail", "20", host.name])
        tail = (log.stdout + log.stderr).decode(errors="replace").strip()
        raise LabError(f"{host.name} ended while it booted:\n{tail}")
    return None


def await_ready(host: LabHost) -> tuple[str, ...]:
    """Wait until systemd has booted and SSH answers; returns the units that failed."""
    state = until(
        lambda: _boot_state(host),
        BOOT_SECONDS,
        f"systemd of {host.alias} running",
        f"look at: docker exec {host.name} systemctl list-jobs",
    )
    until(
        lambda: ssh.answers(host),
        BOOT_SECONDS,
        f"an answer of {host.alias}'s SSH",
        f"look at: docker exec {host.name} journalctl -u ssh",
    )
    if state == "running":
        return ()
    failed = docker("exec", host.name, "systemctl", "--failed", "--plain", "--no-legend")
    return tuple(line.split()[0] for line in failed.splitlines() if line)


def remove(hosts: Sequence[LabHost] = HOSTS) -> list[str]:
    """Remove the containers of `hosts` that are the lab's; returns their names."""
    removed = []
    for host in hosts:
        described = _inspect(host)
        if described is None or f"{LABEL}.root" not in described["Config"]["Labels"]:
            continue
        _refuse_foreign(host, described)
        docker("rm", "--force", "--volumes", host.name)
        removed.append(host.name)
    ssh.close(hosts)
    return removed
