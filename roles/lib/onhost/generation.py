"""What this host was before its last converge, kept on it, and the way back.

Standard input: {"act": "save" | "commit" | "look" | "rollback", "home": "/var/lib/twinmx", …}. Under
HOME/generations are at most two: `pending`, of a converge that has not been found good yet, and `previous`,
of the last good one. Each has a manifest with the files and links that were going to change, and with what
every service was last started with and how (HOME/converged and HOME/applied, which a converge writes).

What is broken off, by a power cut as well, can be done again. While this runs, HOME/generations is locked
(flock(2)): it outlives a controller that went away, and no converge may begin meanwhile (lock.py).
"""

import contextlib
import fcntl
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
PATIENCE_SECONDS = 300
CHECK_SECONDS = 10


class Refused(Exception):  # noqa: N818 - what it is
    """It cannot be done, or not all of it; the message says what is left to do."""


def texts(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(directory.glob("*"))}


def write(path: Path, content: bytes) -> None:
    """For root alone, and on the disk."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def remove(directory: Path) -> None:
    """In one step: one that is half removed is none."""
    gone = directory.with_name("gone")
    shutil.rmtree(gone, ignore_errors=True)
    if directory.exists():
        directory.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def remember(path: Path, copy: Path) -> dict[str, Any]:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return {"kind": "absent"}
    if stat.S_ISLNK(status.st_mode):
        return {"kind": "link", "target": str(path.readlink())}
    write(copy, path.read_bytes())
    owner = {"uid": status.st_uid, "gid": status.st_gid}
    return {"kind": "file", "copy": copy.name, "mode": stat.S_IMODE(status.st_mode), **owner}


def put_back(path: Path, entry: dict[str, Any], directory: Path) -> None:
    if entry["kind"] == "absent":
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.twinmx")
    if entry["kind"] == "link":
        beside.unlink(missing_ok=True)
        beside.symlink_to(entry["target"])
    else:
        write(beside, (directory / entry["copy"]).read_bytes())
        os.chown(beside, entry["uid"], entry["gid"])
        beside.chmod(entry["mode"])
    beside.replace(path)


def save(home: Path, asked: dict[str, Any]) -> str:
    """Remember the paths; what a converge that did not end well has already remembered stays."""
    pending = home / "generations" / "pending"
    directory = pending
    if pending.exists():
        manifest = json.loads((pending / MANIFEST).read_text())
    else:
        directory = pending.with_name("new")
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        manifest = {
            "made": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "entries": {},
            "stamps": texts(home / "converged"),
            "applied": texts(home / "applied"),
        }
    entries = manifest["entries"]
    for path in asked["paths"]:
        if path not in entries:
            entries[path] = remember(Path(path), directory / f"{len(entries):04}")
    write(directory / "manifest.new", json.dumps(manifest).encode())
    (directory / "manifest.new").replace(directory / MANIFEST)
    directory.rename(pending)
    return "nothing" if not manifest["stamps"] else manifest["made"]


def commit(home: Path) -> str:
    pending = home / "generations" / "pending"
    if pending.exists():
        previous = pending.with_name("previous")
        remove(previous)
        pending.rename(previous)
    return "kept"


def lacking(manifest: dict[str, Any], again: list[str]) -> list[str]:
    """What this way back needs and is no longer there."""
    links = {path: entry for path, entry in manifest["entries"].items() if entry["kind"] == "link"}
    gone = [
        f"{path} led to {entry['target']}, which is no longer there"
        for path, entry in links.items()
        if not (Path(path).parent / entry["target"]).exists()
    ]
    unknown = [name for name in again if name not in manifest["applied"]]
    return gone + [f"nobody wrote down how {name} was applied" for name in unknown]


def apply(name: str, how: dict[str, Any]) -> str | None:
    """Apply one thing as it was applied then; what is wrong with it, or None."""
    try:
        done = subprocess.run(
            ["sh", "-ec", how["apply"]], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
        if done.returncode:
            return f"{name} could not be applied: {(done.stdout + done.stderr).strip()}"
        deadline = time.monotonic() + how["seconds"]
        while healthy(how["healthy"]) is False:
            if time.monotonic() > deadline:
                return f"{name} is not healthy {how['seconds']} s after it was applied"
            time.sleep(0.2)
    except subprocess.TimeoutExpired:
        return f"{name} could not be applied in {PATIENCE_SECONDS} s"
    return None


def healthy(check: str) -> bool:
    try:
        asked = subprocess.run(["sh", "-c", check], capture_output=True, timeout=CHECK_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def stop_what_is_new(home: Path, before: dict[str, str]) -> None:
    for name, text in texts(home / "applied").items():
        if name not in before and text and (units := json.loads(text)["units"]):  # none: the disk was full
            subprocess.run(["systemctl", "disable", "--quiet", "--now", *units], check=False)
            print(f"stopped {name}")


def apply_again(home: Path, names: list[str], manifest: dict[str, Any]) -> None:
    """Apply these as they were then, in the order of the roles; what fails does not stop the others."""
    described = {name: json.loads(manifest["applied"][name]) for name in names}
    wrong = []
    for name in sorted(names, key=lambda name: int(described[name]["order"])):
        stamp = home / "converged" / name
        stamp.unlink(missing_ok=True)
        if fault := apply(name, described[name]):
            wrong.append(fault)
        else:
            stamp.write_text(manifest["stamps"][name])
            print(f"applied {name} again")
    if wrong:
        raise Refused("\n".join(wrong))


def forget_what_is_new(home: Path, kept: str, before: dict[str, str]) -> None:
    for name in texts(home / kept):
        if name not in before:
            (home / kept / name).unlink()
    for name, text in before.items():
        (home / kept / name).write_text(text)


def way_back(home: Path, asked: dict[str, Any]) -> tuple[Path, dict[str, Any], list[str]]:
    """Where to, by which manifest, and what is to be applied again; touches nothing."""
    names = ("pending",) if asked["failed"] else ("pending", "previous")
    found = [home / "generations" / name for name in names]
    directory = next((path for path in found if path.exists()), None)
    if directory is None:
        raise Refused("there is nothing to go back to: no converge of this host has kept what was before it")
    manifest = json.loads((directory / MANIFEST).read_text())
    if not manifest["stamps"]:
        raise Refused("there is nothing to go back to: before its last converge it was no exchanger")
    now = texts(home / "converged")
    again = [name for name, stamp in manifest["stamps"].items() if stamp != now.get(name)]
    if gone := lacking(manifest, again):
        raise Refused(f"{'; '.join(gone)}. Check out the revision before, and converge")
    return directory, manifest, again


def rollback(home: Path, asked: dict[str, Any]) -> str:
    before, manifest, again = way_back(home, asked)
    directory = before.rename(before.with_name("pending"))  # a converge in between adds to it
    stop_what_is_new(home, manifest["applied"])
    for path, entry in manifest["entries"].items():
        put_back(Path(path), entry, directory)
        print(f"removed {path}" if entry["kind"] == "absent" else f"put back {path}")
    apply_again(home, again, manifest)
    forget_what_is_new(home, "converged", manifest["stamps"])
    forget_what_is_new(home, "applied", manifest["applied"])
    remove(directory)
    return f"as it was before {manifest['made']}"


def alone(home: Path) -> None:
    """Until this process ends; Refused while another one is here."""
    generations = home / "generations"
    generations.mkdir(parents=True, exist_ok=True)
    generations.chmod(0o700)
    try:
        fcntl.flock(os.open(generations, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused("an earlier run is still at work on what it has kept: try again") from None


def do(home: Path, asked: dict[str, Any]) -> str:
    alone(home)
    if asked["act"] == "save":
        return save(home, asked)
    if asked["act"] == "commit":
        return commit(home)
    if asked["act"] == "look":
        return str(way_back(home, asked)[1]["made"])
    return rollback(home, asked)


def main() -> int:
    asked = json.load(sys.stdin)
    home = Path(asked["home"])
    told, refused = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(told):  # printed at the end: who asked may have gone away
            print(do(home, asked))
    except (Refused, OSError) as error:
        refused = str(error)
    print(told.getvalue(), end="")
    if refused:
        print(refused, file=sys.stderr)
    return int(bool(refused))


sys.exit(main())
