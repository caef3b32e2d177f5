"""structlog without the pretty printer of its development mode: rich, 7 MB in each worker, for nothing.

structlog loads rich where it is installed, and `mxctl` needs it installed. To be imported before structlog;
whoever wants rich afterwards gets it.
"""

import sys

if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment] # import rich raises ImportError
    try:
        import structlog  # noqa: F401 - for its effect
    finally:
        del sys.modules["rich"]
