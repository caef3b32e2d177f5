"""Who may become root: accounts, and keys that let somebody in."""

import pwd
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest

KEYS = (".ssh/authorized_keys", ".ssh/authorized_keys2")
TYPES = ("ssh-", "ecdsa-", "sk-")


def check(manifest: Manifest) -> Iterator[Finding]:
    """Accounts that are root by another name, and keys that the inventory does not name."""
    accounts = pwd.getpwall()
    yield from judge_accounts((account.pw_name, account.pw_uid) for account in accounts)
    if manifest.logins is None:
        return
    files = {Path(account.pw_dir, name) for account in accounts for name in KEYS}
    for path in sorted(file for file in files if file.is_file()):
        yield from judge_keys(str(path), path.read_text(errors="replace"), manifest.logins)


def judge_accounts(accounts: Iterable[tuple[str, int]]) -> Iterator[Finding]:
    """accounts: name and number."""
    for name, number in accounts:
        if number == 0 and name != "root":
            yield Finding(kind="login", name=name, problem="an account that is root by another name")


def judge_keys(path: str, text: str, allowed: Iterable[str]) -> Iterator[Finding]:
    """The keys of an authorized_keys (sshd(8)) that are not among the `allowed` fingerprints."""
    for line in text.splitlines():
        words = line.split()
        kinds = [number for number, word in enumerate(words[:-1]) if word.startswith(TYPES)]
        if not kinds or line.lstrip().startswith("#"):
            continue
        fingerprint = fingerprint_of(words[kinds[0] + 1])
        if fingerprint not in allowed:
            problem = f"a key that the inventory does not name: {fingerprint}"
            yield Finding(kind="login", name=f"{path} {fingerprint}", problem=problem)


def fingerprint_of(key: str) -> str:
    """As ssh-keygen -l prints it; of what is no key, that."""
    try:
        digest = sha256(b64decode(key, validate=True)).digest()
    except Error:
        return "no key"
    return f"SHA256:{b64encode(digest).decode().rstrip('=')}"
