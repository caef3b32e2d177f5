"""Logs as JSON lines on standard output, where journald picks them up."""

import atexit
import json
import logging
import sys

import structlog

from twinmx.program.output import Output

# json.dumps makes an encoder for each call that is not plain
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=repr)


def configure() -> None:
    """Set up structlog for this process."""
    output = Output(sys.stdout.fileno())
    atexit.register(output.flush)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(lambda event, **_: _ENCODER.encode(event)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: output,
        cache_logger_on_first_use=True,
    )
