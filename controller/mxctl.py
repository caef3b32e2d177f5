"""`mxctl` on several exchangers at once, over OpenSSH, as the inventory says they are reached.

pyinfra runs commands as well, but tells success only: here the exit status is the answer.
"""

import asyncio
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from controller import pyinfra, remote
from controller.report import console, heading
from twinmx.mxctl.manual import SILENT

READS = (
    ("status",), ("queue",), ("top",), ("failover", "status"), ("engine", "list"), ("alias", "show"),
    ("alias", "overrides"), ("quarantine", "list"), ("quarantine", "show"),
)  # fmt: skip
"""What changes nothing. Whatever else there is, or will be, is held to change something."""

WIDTH = 100


@dataclass(frozen=True)
class Answer:
    """What a host said; status 3 where it was not reached, or has no mxctl."""

    status: int
    output: str
    errors: str


def chosen(
    data: Mapping[str, Mapping[str, Any]], words: Sequence[str], hosts: Sequence[str], *, everywhere: bool
) -> list[str]:
    """Names of the exchangers that are meant; a usage error where `words` would change them unasked."""
    exchangers = [name for name, facts in data.items() if "exchanger" in facts]
    if unknown := [name for name in hosts if name not in exchangers]:
        raise typer.BadParameter(f"--host {unknown[0]}; allowed: {', '.join(exchangers)}")
    if hosts and everywhere:
        raise typer.BadParameter("--host and --all exclude each other")
    harmless = "--help" in words or any(tuple(words[: len(reads)]) == reads for reads in READS)
    if not (hosts or everywhere or harmless):
        raise typer.BadParameter(
            f"{' '.join(words[:2])} changes something: say --host NAME ({', '.join(exchangers)}), or --all"
        )
    return [name for name in exchangers if not hosts or name in hosts]


def run(hosts: Mapping[str, Mapping[str, Any]], words: Sequence[str]) -> int:
    """Run it on all of `hosts` (name → pyinfra's data), show what they say, and return the worst status."""
    answers = asyncio.run(_ask_all(hosts, words))
    if "--json" in words:
        print(json.dumps({name: _as_json(answer) for name, answer in answers.items()}, indent=1))
    else:
        for name, answer in answers.items():
            heading(name)
            console.out((answer.output + answer.errors).rstrip("\n"), highlight=False)
    return max(answer.status for answer in answers.values())


def ssh(data: Mapping[str, Any], words: Sequence[str]) -> list[str]:
    """The command that runs `mxctl` with `words` on a host."""
    return remote.ssh(data, shlex.join(["env", f"COLUMNS={WIDTH}", "mxctl", *words]))


async def _ask_all(hosts: Mapping[str, Mapping[str, Any]], words: Sequence[str]) -> dict[str, Answer]:
    answers = await asyncio.gather(*(_ask(ssh(data, words), pyinfra.ROOT) for data in hosts.values()))
    return dict(zip(hosts, answers, strict=True))


async def _ask(arguments: Sequence[str], directory: Path) -> Answer:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *arguments, cwd=directory, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    output, errors = await process.communicate()
    status = process.returncode or 0
    return Answer(
        status if 0 <= status <= SILENT else SILENT,
        output.decode(errors="replace"),
        errors.decode(errors="replace"),
    )


def _as_json(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.output) if answer.output else None
    except ValueError:
        told = None
    return {"status": answer.status, "answer": told, "errors": answer.errors.rstrip("\n")}
