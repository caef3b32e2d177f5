"""Run on a host: every socket that listens, who has it, and what the packet filter lets in, as JSON.

The owner is what the kernel keeps with the socket (ss(8), -e): unlike the process it is also told in a
container without CAP_SYS_PTRACE.
"""

import grp
import json
import pwd
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

DYNAMIC = range(61184, 65520)  # systemd.exec(5), DynamicUser=


def _user(uid: int) -> str:
    return "a user of its own" if uid in DYNAMIC else pwd.getpwuid(uid).pw_name


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _inet() -> list[list[str]]:
    """Transport, address, port and user of each."""
    found = []
    for line in _output("ss", "-Hltune").splitlines():
        transport, _, _, _, local, *rest = line.split()
        address, _, port = local.rpartition(":")
        uid = next((int(word[4:]) for word in rest if word.startswith("uid:")), 0)  # root's is left out
        found.append([transport, address.strip("[]").partition("%")[0], port, _user(uid)])
    return found


def _access(path: Path) -> list[str]:
    status = path.stat()
    group = grp.getgrgid(status.st_gid).gr_name
    return [f"{stat.S_IMODE(status.st_mode):04o}", _user(status.st_uid), group]


def _path(line: str) -> Path | None:
    """The absolute path that a line of ss(8) means: Postfix names its sockets from the queue it stands in."""
    name, process = line.split()[4], re.search(r"pid=(\d+)", line)
    if name[0] in "*@" or not (name[0] == "/" or process):
        return None
    return Path(name) if process is None else Path(f"/proc/{process[1]}/cwd").readlink() / name


def _unix() -> list[dict[str, Any]]:
    """Path, and mode, user and group of the socket and of its directory."""
    files = sorted({path for line in _output("ss", "-Hlxp").splitlines() if (path := _path(line))})
    return [
        {"path": str(file), "access": _access(file), "directory": _access(file.parent)}
        for file in files
        if file.exists()  # that of another mount namespace does not
    ]


if __name__ == "__main__":
    rules = json.loads(_output("nft", "-j", "list", "table", "inet", "twinmx"))
    print(json.dumps({"inet": _inet(), "unix": _unix(), "rules": rules["nftables"]}))
