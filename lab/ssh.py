"""Keys of the controller and of the hosts, and the one ssh_config that everything uses.

Each host has a directory build/lab/ssh/<host>/ with its host key and the authorized keys; it is mounted
read-only at /etc/ssh/lab. Host keys are drawn once, so `known_hosts` stays true when a host is made anew
and nobody has to switch the check off.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab.command import attempt, run
from lab.settings import STATE, LabHost

DIRECTORY = STATE / "ssh"
CONFIG = STATE / "ssh_config"
CONNECT_SECONDS = 5


def key_file(directory: Path = DIRECTORY) -> Path:
    """The controller's private key."""
    return directory / "id_ed25519"


def known_hosts_file(directory: Path = DIRECTORY) -> Path:
    """The hosts' public keys."""
    return directory / "known_hosts"


def host_directory(host: LabHost, directory: Path = DIRECTORY) -> Path:
    """What is mounted into the host."""
    return directory / host.alias


def _ensure_key(private: Path) -> str:
    """Draw a key pair unless it is there; returns the public half, one line."""
    public = private.with_suffix(".pub")
    if not (private.exists() and public.exists()):
        key = Ed25519PrivateKey.generate()
        private.unlink(missing_ok=True)
        text = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(text)
        encoded = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        public.write_bytes(encoded + b"\n")
    return public.read_text().strip()


def render_config(hosts: Sequence[LabHost], directory: Path) -> str:
    """An ssh_config(5): a block for each host, then what they have in common.

    One connection per host is kept open for a minute (ControlMaster), which saves the key exchange of
    each further command.
    """
    blocks = [
        f"Host {host.alias} {host.fqdn} {host.address}\n"
        f"  HostName {host.address}\n"
        f"  HostKeyAlias {host.alias}\n"
        for host in hosts
    ]
    common = f"""Host *
  User root
  IdentityFile {key_file(directory)}
  IdentitiesOnly yes
  UserKnownHostsFile {known_hosts_file(directory)}
  StrictHostKeyChecking yes
  PreferredAuthentications publickey
  ConnectTimeout {CONNECT_SECONDS}
  LogLevel ERROR
  ControlMaster auto
  ControlPath {directory}/%h
  ControlPersist 60
"""
    return "\n".join([*blocks, common])


def ensure(hosts: Sequence[LabHost], directory: Path = DIRECTORY, config: Path = CONFIG) -> None:
    """Have all keys, known_hosts and the ssh_config."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    authorized = _ensure_key(key_file(directory))
    known = []
    for host in hosts:
        own = host_directory(host, directory)
        own.mkdir(exist_ok=True)
        public = _ensure_key(own / "ssh_host_ed25519_key")
        (own / "authorized_keys").write_text(f"{authorized}\n")
        known.append(f"{host.alias},{host.fqdn},{host.address} {public}\n")
    known_hosts_file(directory).write_text("".join(known))
    config.write_text(render_config(hosts, directory))


def answers(host: LabHost) -> bool:
    """Whether the host lets the controller in."""
    return attempt(["ssh", "-F", str(CONFIG), host.alias, "true"]).returncode == 0


def on(host: LabHost, command: str, *, seconds: float = 60) -> str:
    """Run a shell `command` on the host and return its output; raises LabError when it fails."""
    return run(["ssh", "-F", str(CONFIG), host.alias, command], seconds=seconds)


@contextmanager
def meanwhile(host: LabHost, do: str, undo: str, *, seconds: float = 60) -> Iterator[None]:
    """Run the shell command `do` on the host, and `undo` after the block, whatever happens in either."""
    try:
        on(host, do, seconds=seconds)
        yield
    finally:
        on(host, undo, seconds=seconds)


def close(hosts: Iterable[LabHost]) -> None:
    """End the connections that are kept open."""
    for host in hosts:
        if CONFIG.exists() and (DIRECTORY / str(host.address)).exists():
            attempt(["ssh", "-F", str(CONFIG), "-O", "exit", host.alias])
