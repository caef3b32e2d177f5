"""One mistake in an exchange's facts, and the passages that mistakes of several kinds edit."""

from typing import NamedTuple


class Bad(NamedTuple):
    """An edit of the good facts, a passage of the line that the error names, and what it says of it."""

    good: str
    bad: str
    at: str
    says: str


HOST = "    fqdn: mx2.alias.example"
ENGINES = "[rspamd, spamassassin]"
