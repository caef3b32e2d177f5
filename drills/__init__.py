"""The drills: one file each, named as its flag (`--data drill=NAME`), with its `DRILL`.

A drill replays an incident on the pair: it measures ordinary mail, puts the fault in by a converge, watches
what the hosts make of it, has a plain converge mend it, and proves that nothing was lost (docs/drills.md).
"""

import importlib
import pkgutil
from functools import cache

from drills.lib.model import Drill


@cache
def all_drills() -> dict[str, Drill]:
    """Every drill by its name, in the order of names."""
    modules = [one.name for one in pkgutil.iter_modules(__path__) if not one.ispkg]
    found = {
        drill.name: drill
        for module in sorted(modules)
        if module != "__main__"
        and isinstance(drill := importlib.import_module(f"{__name__}.{module}").DRILL, Drill)
    }
    return dict(sorted(found.items()))
