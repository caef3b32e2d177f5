"""Put a set of files in place on this host, if the program that reads them accepts them.

The set arrives as one JSON line on standard input. It is first laid out as a candidate, a copy of the
configuration directories with the new files in it. The checker then runs in a mount namespace of its own
where the candidate stands at the real paths, so every program's ordinary check command can be used, and
the running service never sees a file that was refused. Only then is each file renamed into place.
"""

import base64
import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CANDIDATES = Path("/var/lib/twinmx/candidates")
STAMPS = Path("/var/lib/twinmx/converged")


def write(path: Path, file: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if "target" in file:
        path.symlink_to(file["target"])
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(base64.b64decode(file["content"]))
        stream.flush()
        os.fsync(stream.fileno())
    os.chown(path, pwd.getpwnam(file["user"]).pw_uid, grp.getgrnam(file["group"]).gr_gid)
    path.chmod(int(file["mode"], 8))


def refused(candidate: Path, check: str, roots: list[str]) -> str | None:
    """Run the checker as if the candidate were in place; its output if it refused, else None."""
    mounts = []
    for root in roots:
        view = candidate / root.lstrip("/")
        real = Path(root)
        real.mkdir(parents=True, exist_ok=True)
        mounts.append(f"mount --bind '{view}' '{real}'")
    script = " && ".join([*mounts, f"( {check} )"])
    environment = {**os.environ, "CANDIDATE": str(candidate)}
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode else None


def lay_out(candidate: Path, asked: dict[str, Any]) -> None:
    for root in asked["roots"]:
        view = candidate / root.lstrip("/")
        view.parent.mkdir(parents=True, exist_ok=True)
        if Path(root).is_dir():
            subprocess.run(["cp", "-a", root, str(view)], check=True)
        view.mkdir(exist_ok=True)
    for path, file in asked["files"].items():
        write(candidate / path.lstrip("/"), file)
    for path in asked["absent"]:
        (candidate / path.lstrip("/")).unlink(missing_ok=True)


def outdate(changed: set[str]) -> None:
    """Forget the stamps of services that read what changes: whatever runs now was perhaps not started so."""
    for stamp in STAMPS.glob("*"):
        if changed & set(stamp.read_text().splitlines()[1:]):
            stamp.unlink()


def install(asked: dict[str, Any]) -> None:
    outdate(set(asked["changed"]))
    renames = []
    for path, file in asked["files"].items():
        if path not in asked["changed"]:
            continue
        beside = Path(path).with_name(f".{Path(path).name}.twinmx")
        write(beside, file)
        renames.append((beside, path))
    for beside, path in renames:
        beside.replace(path)
    for path in asked["absent"]:
        Path(path).unlink(missing_ok=True)


def main() -> int:
    asked = json.load(sys.stdin)
    CANDIDATES.mkdir(parents=True, exist_ok=True)
    CANDIDATES.chmod(0o700)
    candidate = Path(tempfile.mkdtemp(prefix=f"{asked['name']}.", dir=CANDIDATES))
    try:
        if asked["check"]:
            lay_out(candidate, asked)
            reason = refused(candidate, asked["check"], asked["roots"])
            if reason is not None:
                print(f"{asked['name']}: the candidate was refused by: {asked['check']}")
                print(reason.replace(str(candidate), "").rstrip())
                print("Nothing was changed: the files in place and the running service stay as they were.")
                return 1
        install(asked)
    finally:
        shutil.rmtree(candidate, ignore_errors=True)
    return 0


sys.exit(main())
