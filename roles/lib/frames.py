"""Let pyinfra number operations without reading source code.

pyinfra tells operations apart by the line numbers of the calls that lead to them, for each host anew. It
takes them from `inspect.stack()`, which also looks for the text of those lines, and nobody uses that: it was
about a third of the controller's CPU time for a further host.
"""

import inspect
from functools import partial

from pyinfra.api import util


def number_by_frames_alone() -> None:
    """Have pyinfra ask for file names and line numbers only, from now on in this process."""
    util.stack = partial(inspect.stack, context=0)  # type: ignore[attr-defined]
    util.getframeinfo = partial(inspect.getframeinfo, context=0)  # type: ignore[attr-defined]
