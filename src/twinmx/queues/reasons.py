"""Why a recipient waits, in a few words: Postfix's text of its last failed attempt, sorted into a table.

The texts are those of Postfix (smtp_connect.c, smtp_proto.c, smtp_trouble.c of its source) around the
replies of others; the first row that matches decides.
"""

import re
from functools import lru_cache
from typing import Literal, get_args

from twinmx.queues.settings import InstanceName

Reason = Literal["refused", "unreachable", "greylisted", "limited", "ours", "other"]
REASONS: tuple[Reason, ...] = get_args(Reason)

_RATE = (
    r"rate[ -]?limit|\brate\b|too many|too fast|too much mail|throttl|unexpected volume|unusual"
    r"|server busy|limit (?:is |has been |was )?(?:exceeded|reached)|exceeded .{0,40}limit|slow down"
)

_ROWS: tuple[tuple[Reason, str], ...] = (
    ("ours", r"\]:2038[0-9]\b"),
    ("greylisted", r"gr[ae]y-?list"),
    ("limited", rf"\b4(?:21|5[012])\b.*?(?:{_RATE})"),
    ("greylisted", r"\b45[01][ -]4\.7\.1\b"),
    ("refused", r"connection refused|refused to talk to me"),
    (
        "unreachable",
        r"timed out|no route to host|(?:network|host) is unreachable|lost connection with"
        r"|connection reset|host not found|name service error|server unavailable",
    ),
)
_PATTERNS = tuple((reason, re.compile(pattern, re.IGNORECASE)) for reason, pattern in _ROWS)


@lru_cache(maxsize=4096)
def reason_of(text: str, instance: InstanceName) -> Reason:
    """Sort Postfix's `text` for a recipient that waits in `instance`.

    The inbound instance delivers to our forwarder alone: but for limits, whatever keeps mail there is ours.
    """
    found: Reason = next((reason for reason, pattern in _PATTERNS if pattern.search(text)), "other")
    if instance == "in" and found != "limited":
        return "ours"
    return found
