"""What stands between tlsrpt-reporter and the world: clean targets, and reports with their host's name."""

import gzip
import json
import subprocess
import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.twinmx.supervised import free_port
from twinmx.tlsrpt.main import post, submit
from twinmx.tlsrpt.naming import ReportError, named, named_mail
from twinmx.tlsrpt.targets import cleaned, cleaned_details

ID = "2026-11-21T00:00:00Z_idx1_dane.example"
REPORT = gzip.compress(json.dumps({"report-id": ID, "organization-name": "Alias"}).encode(), mtime=0)


def mail(to: str = "tls@dane.example", report: bytes = REPORT) -> bytes:
    """A mail as tlsrpt-reportd 0.6.0 makes it."""
    message = EmailMessage()
    message["Subject"] = (
        f"Report Domain: dane.example Submitter: alias.example Report-ID: <{ID}@alias.example>"
    )
    message["From"] = "postmaster@alias.example"
    message["To"] = to
    message["TLS-Required"] = "No"
    message.set_content("An aggregate TLS report.")
    file = "alias.example!dane.example!1795219200!1795305599!1.json.gz"
    message.add_attachment(report, maintype="application", subtype="tlsrpt+gzip", filename=file)
    message.replace_header(
        "Content-Type", message["Content-Type"].replace("multipart/mixed", "multipart/report")
    )
    return message.as_bytes(policy=SMTP)


@pytest.mark.parametrize(
    ("record", "targets"),
    [
        ("v=TLSRPTv1; rua=mailto:tls@a.example", "mailto:tls@a.example"),
        ("v=TLSRPTv1;rua=https://a.example/v1/tls?x=1", "https://a.example/v1/tls?x=1"),
        ("v=TLSRPTv1; rua=mailto:a@a.example , mailto:b@a.example;", "mailto:a@a.example,mailto:b@a.example"),
        ("v=TLSRPTv1; rua=mailto:a@a.example,mailto:a@a.example", "mailto:a@a.example"),
        ("v=TLSRPTv1; x=1; rua=mailto:a@a.example", "mailto:a@a.example"),
        ("v=TLSRPTv1; rua=mailto:nobody,mailto:a@a.example,http://a.example/", "mailto:a@a.example"),
    ],
)
def test_a_target_is_kept_once_where_it_can_be_reached(record: str, targets: str) -> None:
    assert cleaned(record) == f"v=TLSRPTv1;rua={targets}"


@pytest.mark.parametrize(
    "uri",
    [
        "mailto:a b@c.example",
        "mailto:a@b@c.example",
        "mailto:",
        "directory:/etc",
        "https://",
        "file:///etc/passwd",
    ],
)
def test_a_record_without_such_a_target_has_none(uri: str) -> None:
    assert cleaned(f"v=TLSRPTv1; rua={uri}") == "v=TLSRPTv1"


@given(st.text(max_size=200))
def test_whatever_stands_in_dns_comes_out_clean(record: str) -> None:
    once = cleaned(record)
    targets = once.partition("rua=")[2].split(",")

    assert len(targets) == len(set(targets))
    assert cleaned(once) == once
    assert once.isascii()
    assert once.isprintable()


def test_records_that_become_alike_stay_two() -> None:
    policies = {
        "v=TLSRPTv1; rua=mailto:a@a.example": {"one": 1},
        "v=TLSRPTv1;rua=mailto:a@a.example": {"two": 2},
    }

    found = json.loads(cleaned_details(json.dumps({"d": "a.example", "policies": policies}).encode()))

    assert found["d"] == "a.example"
    assert sorted(found["policies"].values(), key=str) == [{"one": 1}, {"two": 2}]


def test_two_exchangers_reports_about_a_day_differ() -> None:
    ids = {json.loads(gzip.decompress(named(REPORT, host).report))["report-id"] for host in ("mx1", "mx2")}

    assert ids == {f"{ID}_mx1", f"{ID}_mx2"}


@pytest.mark.parametrize(
    "report", [b"", b"no gzip", gzip.compress(b"[]", mtime=0), gzip.compress(b"{}", mtime=0), REPORT[:-20]]
)
def test_what_is_no_report_is_not_sent(report: bytes) -> None:
    with pytest.raises(ReportError):
        named(report, "mx1")
    with pytest.raises(ReportError):
        named_mail(mail(report=report), "mx1")


def test_the_mail_has_the_same_id_everywhere_and_what_a_mail_needs() -> None:
    found = named_mail(mail(), "mx2")
    (part,) = [part for part in found.walk() if part.get_content_type() == "application/tlsrpt+gzip"]
    assert isinstance(part, EmailMessage)

    assert json.loads(gzip.decompress(part.get_content()))["report-id"] == f"{ID}_mx2"
    assert f"Report-ID: <{ID}_mx2@alias.example>" in found["Subject"]
    assert part.get_filename() == "alias.example!dane.example!1795219200!1795305599!1mx2.json.gz"
    assert found.get_content_type() == "multipart/report"
    assert found["TLS-Required"] == "No", "it must arrive where TLS does not work"
    assert found["Date"].datetime.tzinfo is not None


class Taken:
    """Remembers the last envelope."""

    def __init__(self) -> None:
        self.envelope = Envelope()

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802
        self.envelope = envelope
        return "250 taken"


def test_postfix_gets_it_from_the_null_sender() -> None:
    taken = Taken()
    server = Controller(taken, hostname="127.0.0.1", port=(port := free_port()))
    server.start()
    try:
        submit(mail(), "mx1", port)
    finally:
        server.stop()

    assert (taken.envelope.mail_from, taken.envelope.rcpt_tos) == ("<>", ["tls@dane.example"])
    assert taken.envelope.content is not None


def test_nobody_is_written_to_where_the_target_is_no_single_address() -> None:
    with pytest.raises(ReportError, match="2 recipients"):
        submit(mail("a@a.example, b@b.example"), "mx1", 1)


def test_a_post_carries_the_named_report_and_ends_as_curl_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "curl"
    fake.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked; cat >{tmp_path}/sent; exit 22\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert post(REPORT, "mx1", Path("ca.pem"), "https://a.example/{x}") == 22

    asked = (tmp_path / "asked").read_text()
    assert "--proto =https" in asked
    assert asked.strip().endswith("--cacert ca.pem -- https://a.example/{x}")
    assert json.loads(gzip.decompress((tmp_path / "sent").read_bytes()))["report-id"] == f"{ID}_mx1"


def test_the_fetchers_domains_pass_and_its_details_are_cleaned(tmp_path: Path) -> None:
    details = {"d": "a.example", "policies": {"v=TLSRPTv1; rua=mailto:a@a.example,mailto:a@a.example": {}}}
    fetcher = tmp_path / "fetcher"
    fetcher.write_text(f"#!/bin/sh\n[ $# = 4 ] && echo '{json.dumps(details)}' || echo list of \"$3\"\n")
    fetcher.chmod(0o755)
    command = [sys.executable, "-m", "twinmx.tlsrpt.main", "fetch", f"--fetcher={fetcher}", "2026-11-21"]

    domains, one = (
        subprocess.run([*command, *more], capture_output=True, check=True).stdout
        for more in ([], ["a.example"])
    )

    assert domains == b"list of 2026-11-21\n"
    assert list(json.loads(one)["policies"]) == ["v=TLSRPTv1;rua=mailto:a@a.example"]
