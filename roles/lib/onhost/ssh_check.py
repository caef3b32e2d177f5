"""Run where a candidate of /etc/ssh stands in its place: would the operator who converges still get in?

argv: the port that the firewall lets in, and our file. sshd itself says what would be in force (sshd -T) for
the user of this session. Prints why not, each with the way out; exit status 1 then.
"""

import grp
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SSHD = "/usr/sbin/sshd"
Settings = dict[str, list[str]]


def _sshd(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SSHD, *arguments], capture_output=True, text=True, check=False)


def effective(user: str) -> Settings:
    """Keyword (lower case) → the values in force for `user`."""
    source = os.environ.get("SSH_CONNECTION", "").split()
    address = source[0] if source else "192.0.2.1"
    done = _sshd("-T", "-C", f"user={user},host={address},addr={address}")
    if done.returncode:
        sys.exit(done.stderr.strip())
    found: Settings = {}
    for line in done.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword, []).append(value)
    return found


def has_key(account: pwd.struct_passwd, settings: Settings) -> bool:
    """Whether a file with keys of the user has a line that is none of a comment."""
    for written in " ".join(settings.get("authorizedkeysfile", [])).split():
        name = written.replace("%h", account.pw_dir).replace("%u", account.pw_name)
        try:
            text = (Path(account.pw_dir) / name.replace("%%", "%")).read_text(errors="replace")
        except OSError:
            continue
        if any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
            return True
    return False


def locked_out(account: pwd.struct_passwd, port: str, settings: Settings) -> Iterator[str]:
    """Why the user would not get in."""
    user = account.pw_name
    if port not in settings["port"]:
        yield (
            f"sshd listens on port {', '.join(settings['port'])}, but the firewall lets {port} in: set "
            "access.ssh_port to sshd's, or Port to access.ssh_port"
        )
    if account.pw_uid == 0 and settings["permitrootlogin"] == ["no"]:
        yield "you converge as root, who may not log in: converge as another user, or set root_login: key"
    if settings["passwordauthentication"] == ["no"] and not has_key(account, settings):
        yield f"{user} has no key here, and passwords are refused: ssh-copy-id {user}@… first"
    groups = {grp.getgrgid(number).gr_name for number in os.getgrouplist(user, account.pw_gid)}
    allowed = set(" ".join(settings.get("allowgroups", [])).split())
    if allowed and not allowed & groups:
        yield f"{user} is in none of {', '.join(sorted(allowed))}: usermod -aG {min(allowed)} {user} first"


def overruled(ours: Path, settings: Settings) -> Iterator[str]:
    """What another file says first."""
    if not ours.exists():
        return
    for line in ours.read_text().splitlines():
        keyword, _, value = line.partition(" ")
        found = settings.get(keyword.lower(), [])
        if value and not keyword.startswith("#") and value.split() != " ".join(found).split():
            same = {"without-password": "prohibit-password"}
            if [same.get(one, one) for one in found] != [value]:
                other = " ".join(found) or "unset"
                yield f"{keyword} is {other} by another file, not {value}: remove it there"


def main() -> int:
    port, ours = sys.argv[1:]
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    tested = _sshd("-t")
    if tested.returncode:
        sys.exit(tested.stderr.strip())
    account = pwd.getpwnam(os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name)
    settings = effective(account.pw_name)
    reasons = [*locked_out(account, port, settings), *overruled(Path(ours), settings)]
    print("\n".join(reasons))
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
