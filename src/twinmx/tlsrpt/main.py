"""`twinmx-tlsrpt`: what tlsrpt-reportd calls to fetch what was collected, and to send a report.

argparse, not typer: it runs for each domain and each report.
"""

import argparse
import smtplib
import subprocess
import sys
from pathlib import Path

from twinmx.tlsrpt.naming import ReportError, named, named_mail
from twinmx.tlsrpt.targets import cleaned_details

SETTINGS = Path("/etc/twinmx/tlsrpt.cfg")
ADDRESS = "127.0.0.1"
SECONDS = 30
"""How long the fetcher, each step of an SMTP session, and a POST may take."""

POST = (
    *("curl", "--silent", "--show-error", "--fail", "--globoff", "--proto", "=https"),
    *("--max-time", str(SECONDS), "--output", "/dev/null"),
    *("--header", "Content-Type: application/tlsrpt+gzip", "--data-binary", "@-"),
)


def main() -> int:
    """Do what the arguments of this process say; returns its exit status."""
    asked = _parser().parse_args()
    try:
        if asked.action == "fetch":
            return fetch(asked.fetcher, asked.settings, asked.day, asked.domain)
        if asked.action == "https":
            return post(sys.stdin.buffer.read(), asked.host, asked.authorities, asked.url)
        submit(sys.stdin.buffer.read(), asked.host, asked.port)
    except (ReportError, OSError, ValueError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    description = "Stand between tlsrpt-reportd and the world: RFC 8460."
    parser = argparse.ArgumentParser(prog="twinmx-tlsrpt", description=description)
    actions = parser.add_subparsers(dest="action", required=True)
    asks = actions.add_parser("fetch", help="what was collected on a day, by tlsrpt-fetcher")
    asks.add_argument("--fetcher", type=Path, default=Path(sys.executable).parent / "tlsrpt-fetcher")
    asks.add_argument("--settings", type=Path, default=SETTINGS, help=f"default: {SETTINGS}")
    asks.add_argument("day")
    asks.add_argument("domain", nargs="?")
    mails = actions.add_parser("mail", help="hand the mail on standard input to Postfix on this host")
    mails.add_argument("--port", type=int, required=True)
    posts = actions.add_parser("https", help="post the report on standard input")
    posts.add_argument("--authorities", type=Path, required=True)
    for sends in (mails, posts):
        sends.add_argument("--host", required=True, help="the exchanger's name, for the report's id")
    posts.add_argument("url")
    return parser


def fetch(fetcher: Path, settings: Path, day: str, domain: str | None) -> int:
    """Print the domains of a day as the fetcher has them, or one's details with clean targets.

    day: as in 2026-11-22. Raises `ValueError` where the details are none, `SubprocessError` where it hangs.
    """
    command = [str(fetcher), f"--config_file={settings}", "--", day, *([domain] if domain else [])]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=SECONDS)
    details = domain and answer.returncode == 0
    sys.stdout.buffer.write(cleaned_details(answer.stdout) if details else answer.stdout)
    return answer.returncode


def submit(message: bytes, host: str, port: int) -> None:
    """Hand a mail to postfix-out, from the null sender: who refuses a report is not told of it twice.

    Raises `ReportError`, and `OSError` where Postfix does not take it; reportd then tries again.
    """
    mail = named_mail(message, host)
    recipients = [address.addr_spec for address in mail["To"].addresses]
    if len(recipients) != 1:
        raise ReportError(f"{len(recipients)} recipients")
    with smtplib.SMTP(ADDRESS, port, timeout=SECONDS) as session:
        session.sendmail("", recipients, mail.as_bytes())


def post(report: bytes, host: str, authorities: Path, url: str) -> int:
    """Post a report (RFC 8460, 3); returns curl's exit status, 0 for an answer of 2xx.

    Raises `ReportError`.
    """
    command = [*POST, "--cacert", str(authorities), "--", url]
    return subprocess.run(command, input=named(report, host).report, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
