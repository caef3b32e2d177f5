import inspect
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyinfra.api import util

from roles.lib.frames import number_by_frames_alone


def numbers() -> list[list[int]]:
    """What pyinfra tells three operations apart by, of which the first two are called on one line."""
    state = cast(Any, SimpleNamespace(current_deploy_filename=__file__, current_op_file_number=0))
    looped = [util.get_operation_order_from_stack(state) for _ in range(2)]
    return [*looped, util.get_operation_order_from_stack(state)]


def reads_of_source() -> int:
    """How often `numbers` looks for source code."""
    reads = []

    def none(looked_for: object) -> None:
        reads.append(looked_for)
        raise OSError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(inspect, "findsource", none)
        numbers()
    return len(reads)


def test_operations_keep_their_numbers_and_no_source_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "stack", inspect.stack)
    monkeypatch.setattr(util, "getframeinfo", inspect.getframeinfo)
    found = []
    for quick in (False, True):
        if quick:
            number_by_frames_alone()
        found.append(numbers())

    assert found[0] == found[1]
    assert found[0][0] == found[0][1] != found[0][2]
    assert reads_of_source() == 0
