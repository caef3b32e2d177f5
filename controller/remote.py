"""A shell command on a host, over OpenSSH, as the inventory says that the host is reached.

pyinfra runs commands as well, but tells success only: here the exit status and the output are the answer.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.errors import ControllerError
from controller.pyinfra import ROOT
from controller.reaching import with_way_out

UNREACHED = 255
"""The exit status of ssh(1) where it was not let in."""

PATIENCE_SECONDS = 60.0
_OPTIONS = {
    "ssh_config_file": ("-F", "{}"),
    "ssh_port": ("-p", "{}"),
    "ssh_user": ("-l", "{}"),
    "ssh_key": ("-i", "{}"),
    "ssh_known_hosts_file": ("-o", "UserKnownHostsFile={}"),
    "ssh_strict_host_key_checking": ("-o", "StrictHostKeyChecking={}"),
}
_ALWAYS = ("BatchMode=yes", "ConnectTimeout=5", "ServerAliveInterval=5", "ServerAliveCountMax=3")


def ssh(data: Mapping[str, Any], command: str) -> list[str]:
    """The argument list that runs the shell `command` on the host with pyinfra's `data`."""
    options = [
        option.format(os.path.expanduser(str(data[key])))  # noqa: PTH111 - not all of them are paths
        for key, pair in _OPTIONS.items()
        if data.get(key) is not None
        for option in pair
    ]
    always = [part for option in _ALWAYS for part in ("-o", option)]
    return ["ssh", *options, *always, "--", str(data["ssh_hostname"]), command]


@dataclass(frozen=True)
class Answer:
    """What a command came to; status 255 where the host was not reached or did not answer in time."""

    status: int
    output: str
    errors: str

    @property
    def said(self) -> str:
        """All that it printed, errors first; where the host was not reached, what to do as well."""
        words = "\n".join(text for text in (self.errors.strip(), self.output.strip()) if text)
        return with_way_out(words) if self.status == UNREACHED else words


@dataclass(frozen=True)
class Remote:
    """A host: its name in the inventory, and pyinfra's data of it."""

    name: str
    data: Mapping[str, Any]

    def try_(self, command: str, *, given: str = "", seconds: float = PATIENCE_SECONDS) -> Answer:
        """Run it with `given` on its standard input; what it came to, whatever that is."""
        words = ssh(self.data, command)
        try:
            done = subprocess.run(
                words, cwd=ROOT, input=given, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return Answer(UNREACHED, "", f"no answer within {seconds:g} s")
        return Answer(done.returncode, done.stdout, done.stderr)

    def run(self, command: str, *, given: str = "", seconds: float = PATIENCE_SECONDS) -> str:
        """Run it, and return what it printed; ControllerError with its own words where it fails."""
        answer = self.try_(command, given=given, seconds=seconds)
        if answer.status:
            raise ControllerError(f"{self.name}: {answer.said or f'exit status {answer.status}'}")
        return answer.output

    def python(self, program: str, given: str, *, seconds: float = PATIENCE_SECONDS) -> str:
        """Run a `program` of roles/lib/onhost with its question on standard input; as `run`."""
        return self.run(f"python3 -c {shlex.quote(program)}", given=given, seconds=seconds)
