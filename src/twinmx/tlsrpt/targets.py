"""Where reports go, as receivers wrote it in DNS (RFC 8460, 3): only targets that tlsrpt-reporter survives.

Why: its 0.6.0 takes the whole of `rua` for granted. A target named twice ends it, at each start anew, and no
receiver gets a report any more; a blank behind a comma, which the RFC allows, loses the record.
"""

import json
import re
from typing import Any

_TAG = "v=TLSRPTv1"
_MAIL = re.compile(r"mailto:[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?", re.I)
_HTTPS = re.compile(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[!-~]*)?", re.I)


def cleaned(record: str) -> str:
    """The record with each target that can be reached, once; none, and nobody gets the report."""
    _, _, fields = record.partition(";")
    rua = next((field.strip() for field in fields.split(";") if field.strip().startswith("rua=")), "")
    written = (target.strip() for target in rua.removeprefix("rua=").split(","))
    targets = dict.fromkeys(uri for uri in written if _MAIL.fullmatch(uri) or _HTTPS.fullmatch(uri))
    return f"{_TAG};rua={','.join(targets)}" if targets else _TAG


def cleaned_details(answer: bytes) -> bytes:
    """What tlsrpt-fetcher said about a domain, with clean records. Two that become alike stay two reports.

    answer: JSON, record → policies below `policies`. Raises `ValueError` where it is something else.
    """
    details: dict[str, Any] = json.loads(answer)
    found: dict[str, Any] = {}
    for record, policies in details["policies"].items():
        name = cleaned(record)
        while name in found:
            name += ";"
        found[name] = policies
    return json.dumps(details | {"policies": found}).encode()
