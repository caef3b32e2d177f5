"""Run targets for a while each, keep what was learnt, and tell what was found."""

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from tests.fuzz import targets
from tests.fuzz.shrink import failure, shrink

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "fuzz"
PACKAGE = targets.__name__
MOST_BYTES = 1024
SECONDS_FOR_ONE_INPUT = 60
MEGABYTES = 1024
GRACE_SECONDS = 120

_DONE = re.compile(r"Done (\d+) runs in (\d+) second")
_COVERED = re.compile(r"cov: (\d+)")


@dataclass(frozen=True)
class Found:
    """An input on which something did not hold, as small as it goes, and how it fails."""

    input: bytes
    says: str
    saved: Path


@dataclass(frozen=True)
class Report:
    """What a search came to; `covered` counts the branches that were seen."""

    target: str
    runs: int
    covered: int
    found: Found | None


def names() -> list[str]:
    """Every target."""
    return sorted(module.name for module in pkgutil.iter_modules(targets.__path__))


def load(name: str, package: str = PACKAGE) -> ModuleType:
    """A target's module."""
    return importlib.import_module(f"{package}.{name}")


def search(name: str, seconds: int, package: str = PACKAGE) -> Report:
    """Search in one target for `seconds`; what it learns is kept in build/fuzz for the next time."""
    target = load(name, package)
    folder = BUILD / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.SEEDS):
        (corpus / f"seed-{number}").write_bytes(seed)
    tokens = folder / "tokens"
    tokens.write_text("".join(f'"{_escaped(token)}"\n' for token in target.TOKENS))
    with TemporaryDirectory(dir=folder) as fresh:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz.search",
                f"{package}.{name}",
                f"-max_total_time={seconds}",
                f"-max_len={MOST_BYTES}",
                f"-timeout={SECONDS_FOR_ONE_INPUT}",
                f"-rss_limit_mb={MEGABYTES}",
                f"-dict={tokens}",
                f"-artifact_prefix={fresh}/",
                str(corpus),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
        saved = [crash.replace(folder / crash.name) for crash in sorted(Path(fresh).iterdir())]
    output = done.stderr + done.stdout
    runs, covered = _DONE.search(output), _COVERED.findall(output)
    found = _found(target, saved[0]) if saved else None
    if done.returncode and found is None:
        found = Found(b"", f"the search ended with {done.returncode}:\n{output[-2000:]}", folder)
    return Report(name, int(runs[1]) if runs else 0, int(covered[-1]) if covered else 0, found)


def _found(target: ModuleType, crash: Path) -> Found:
    data = crash.read_bytes()
    if not crash.name.startswith("crash-") or failure(target.one_input, data) is None:
        return Found(data, f"{crash.name.partition('-')[0]} of the process", crash)
    small = shrink(target.one_input, data)
    saved = crash.with_name(f"small-{crash.name}")
    saved.write_bytes(small)
    return Found(small, str(failure(target.one_input, small)), saved)


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)
