"""Rewritten senders as the exchangers themselves make them, with the lab's own keys."""

import time
from functools import cache

import yaml

from lab.settings import STATE
from twinmx.srs import Srs

DAY_SECONDS = 86400


@cache
def signer(days_ago: int = 0) -> Srs:
    """A rewriter with the lab's keys that takes today for `days_ago` days earlier."""
    keys = yaml.safe_load((STATE / "secrets.yml").read_text())["srs_keys"]
    clock = time.time() - days_ago * DAY_SECONDS
    return Srs([key.encode() for key in keys], max_age_days=21, clock=lambda: clock)
