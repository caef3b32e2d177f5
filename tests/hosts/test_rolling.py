"""The rolling converge: one host after the other, each behind the gate of the one before."""

import subprocess
import sys
from pathlib import Path

import pytest

from controller.pyinfra import ROOT
from controller.rolling import order
from tests.hosts.converging import Pair

pytestmark = pytest.mark.role("lib")


def converge(pair: Pair, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "controller", "converge", pair.inventory, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_each_host_passes_its_gate_before_the_next_is_touched(pair: Pair, tmp_path: Path) -> None:
    seen = tmp_path / "gates"

    done = converge(pair, "--gate", f"echo {{name}} >> {seen}")

    assert done.returncode == 0, done.stdout
    assert seen.read_text().split() == order(pair.exchange)
    assert "DNS" in done.stdout


def test_a_failed_gate_stops_before_the_next_host(pair: Pair) -> None:
    first, second = order(pair.exchange)

    done = converge(pair, "--gate", "test {name} = nobody")

    assert done.returncode == 1
    assert f"{first}: the gate failed for {first}" in done.stdout
    assert f"Not touched: {second}, DNS" in done.stdout
    assert f"[{second}]" not in done.stdout + done.stderr


def test_a_mistake_in_a_flag_is_told_and_no_host_is_reached(pair: Pair) -> None:
    done = converge(pair, "--data", "worker=12")

    assert done.returncode == 1
    assert "Did you mean workers?" in done.stdout
    assert "Connected" not in done.stdout + done.stderr
