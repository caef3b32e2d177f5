"""A good exchange in three files, for tests to spoil."""

from pathlib import Path
from typing import NamedTuple, Self

from inventory.secret_source import SecretSource

FACTS = """\
domains: [alias.example, masked.example]
exchangers:
  mx1:
    fqdn: mx1.alias.example
    address: 198.51.100.11
    mx_priority: 10
  mx2:
    fqdn: mx2.alias.example
    address: 198.51.100.12
    mx_priority: 20
aliases_file: FOLDER/aliases.yml
secrets_from: {kind: file, path: FOLDER/secrets.yml}
forwarder:
  workers: 3
rate_limits:
  alias: {count: 10, window_seconds: 60}
  answer: 550
  text: 5.2.1 Too many messages
spam:
  engines: [rspamd, spamassassin]
  total_seconds: 15
  rspamd:
    budget_seconds: 4
deadlines:
  milter_seconds: 30
  forwarder_seconds: 45
  data_done_seconds: 60
messages:
  max_bytes: 36700160
tls:
  certificate: /etc/twinmx/tls/{fqdn}.pem
  key: /etc/twinmx/tls/{fqdn}.key
dns:
  server: 198.51.100.10
  ttl: 300
access:
  ssh_from: [198.51.100.0/24]
database:
  fqdn: db.alias.example
  address: 198.51.100.13
  authority: /etc/twinmx/tls/ca.pem
"""
SECRETS = """\
rspamd_password: correct-horse-battery
valkey_passwords: [staple-of-many-words]
database_passwords: [elephants-never-forget]
srs_keys: [0123456789abcdefghijklmnopqrstuv]
tsig_keys:
  - name: twinmx
    secret: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
"""
ALIASES = """\
aliases:
  - alias: hello@alias.example
    mailboxes: [hello@mailbox.example]
  - alias: postmaster@alias.example
    mailboxes: [hello@mailbox.example]
  - alias: postmaster@masked.example
    mailboxes: [hello@mailbox.example]
"""


class Files(NamedTuple):
    """Where the three files are."""

    facts: Path
    secrets: Path
    aliases: Path

    @property
    def source(self) -> SecretSource:
        """The secrets file, as the facts name it."""
        return SecretSource(kind="file", path=str(self.secrets))

    @classmethod
    def write(cls, folder: Path) -> Self:
        """Write the good files into `folder`."""
        files = cls(folder / "exchange.yml", folder / "secrets.yml", folder / "aliases.yml")
        files.facts.write_text(FACTS.replace("FOLDER", str(folder)))
        files.secrets.write_text(SECRETS)
        files.secrets.chmod(0o600)
        files.aliases.write_text(ALIASES)
        return files


def spoil(file: Path, good: str, bad: str) -> None:
    """Replace a passage that stands in `file` exactly once."""
    text = file.read_text()
    assert text.count(good) == 1, f"{good!r} stands {text.count(good)} times in {file.name}"
    file.write_text(text.replace(good, bad))


def line_of(file: Path, passage: str) -> int:
    """The number of the last line with `passage`."""
    return max(
        number for number, line in enumerate(file.read_text().splitlines(), start=1) if passage in line
    )
