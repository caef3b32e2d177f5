"""TLSRPT: who is told by senders how TLS with us went (RFC 8460)."""

from collections.abc import Iterator

from inventory.schema import Exchange
from roles.lib.records.dmarc import mailto
from roles.lib.records.wanted import Wanted, txt

TAG = "v=TLSRPTv1"
URL_SAFE = str.maketrans({"!": "%21", ",": "%2C", ";": "%3B"})  # 3: must be encoded in a URI


def tlsrpt(exchange: Exchange) -> Iterator[Wanted]:
    """The record of each served domain, where somebody wants reports."""
    targets = exchange.dns.tls_reports
    if not targets:
        return
    uris = [
        target.translate(URL_SAFE) if target.startswith("https:") else mailto(target) for target in targets
    ]
    for domain in exchange.domains:
        why = "senders report to nobody that TLS with us fails"
        text = txt(f"{TAG}; rua={','.join(uris)}")
        yield Wanted(f"_smtp._tls.{domain}", "TXT", (text,), why, shared=TAG)
