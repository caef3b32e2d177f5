"""All cases, the quiet one first."""

from tests.faults import disks, kills, outages
from tests.faults.drill import Case

CASES: tuple[Case, ...] = (*outages.CASES[:1], *kills.CASES, *outages.CASES[1:], *disks.CASES)
CORE: tuple[Case, ...] = tuple(case for case in CASES if case.core)
