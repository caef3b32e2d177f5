"""A short search in each target; `python -m tests.fuzz --seconds 600` is the long one."""

import os

import pytest

from tests.fuzz.run import load, names, search

SECONDS = int(os.environ.get("TWINMX_FUZZ_SECONDS", "6"))


@pytest.mark.parametrize("name", names())
def test_the_seeds_hold(name: str) -> None:
    target = load(name)
    for seed in target.SEEDS:
        target.one_input(seed)


@pytest.mark.parametrize("name", names())
def test_a_search_finds_nothing(name: str) -> None:
    pytest.importorskip("atheris", reason="there is no build of atheris for this machine")

    report = search(name, SECONDS)

    assert report.found is None, (
        f"{report.found.says} on {report.found.input!r}, saved as {report.found.saved}"
    )
    assert report.covered > 0
    assert report.runs > len(load(name).SEEDS)


def test_a_planted_fault_is_found_and_made_small() -> None:
    pytest.importorskip("atheris", reason="there is no build of atheris for this machine")

    report = search("planted", SECONDS, package="tests.fuzz")

    assert report.found is not None
    assert report.found.says.startswith("ValueError at one_input")
    assert sorted(report.found.input) == sorted(b"boom!")
