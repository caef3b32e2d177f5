"""The name of this host in each report, so that those of two exchangers about one day differ.

Why: each exchanger reports its own sessions, for the same organization. tlsrpt-reporter 0.6.0 makes up
a report's id of day and domain alone: a receiver may take the second one for a copy of the first.
"""

import gzip
import json
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime

CONTENT_TYPE = "application/tlsrpt+gzip"
_SUFFIX = ".json.gz"


class ReportError(Exception):
    """This is no report as tlsrpt-reportd makes them."""


@dataclass(frozen=True)
class Named:
    """A report (JSON, compressed), its id as it was, and as it is."""

    report: bytes
    before: str
    now: str


def named(report: bytes, host: str) -> Named:
    """A report whose id ends with the host's name; raises `ReportError`."""
    try:
        said = json.loads(gzip.decompress(report))
        before = said["report-id"]
        now = f"{before}_{host}"
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"no compressed report: {error}") from error
    return Named(gzip.compress(json.dumps(said | {"report-id": now}).encode()), before, now)


def named_mail(message: bytes, host: str) -> EmailMessage:
    """A mail with a report, named in it, in its file's name (5.1) and in the subject (5.3), and dated.

    Raises `ReportError`.
    """
    mail = message_from_bytes(message, policy=SMTP)
    assert isinstance(mail, EmailMessage)
    parts = [part for part in mail.walk() if part.get_content_type() == CONTENT_TYPE]
    if len(parts) != 1 or not isinstance(parts[0], EmailMessage):
        raise ReportError(f"{len(parts)} parts are {CONTENT_TYPE}")
    (part,) = parts
    report = named(part.get_content(), host)
    file = (part.get_filename() or "").removesuffix(_SUFFIX)
    maintype, subtype = CONTENT_TYPE.split("/")
    part.set_content(report.report, maintype, subtype, filename=f"{file}{host}{_SUFFIX}")
    subject = str(mail["Subject"]).replace(f"<{report.before}@", f"<{report.now}@")
    mail.replace_header("Subject", subject)
    mail["Date"] = localtime()
    mail["Auto-Submitted"] = "auto-generated"
    return mail
