"""What rendered files amount to once their program has read them, to be compared with what it says itself.

Only files of our own templates are read here, so only what those use of a syntax is known.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from roles.lib.managed import Managed, ManagedFile
from twinmx.drift.manifest import Instance, Scalar, State
from twinmx.drift.postfix import parse_parameters, parse_services

RSPAMD = {f"/etc/rspamd/{directory}" for directory in ("local.d", "override.d")}
KERNEL = "/etc/sysctl.d"
DIRECTORIES = "/etc/tmpfiles.d"
WORKERS = {"proxy": "rspamd_proxy"}
"""Workers whose files are named otherwise than their section."""
ABSORBED = {"surbl"}
"""Modules that Rspamd makes part of others while it reads its configuration."""

_SCALAR = re.compile(r'^(\w+) = (?:"([^"]*)"|(true|false)|(\d+(?:\.\d+)?)s?);$', re.MULTILINE)
_SETTING = re.compile(r"^\s*([\w./-]+)\s*=\s*(.*\S)\s*$", re.MULTILINE)


def _below(files: Iterable[Managed], *directories: str) -> Iterator[tuple[PurePosixPath, str]]:
    for file in files:
        path = PurePosixPath(file.path)
        if isinstance(file, ManagedFile) and str(path.parent) in directories:
            yield path, file.data.decode()


def postfix(files: Iterable[Managed]) -> dict[str, Instance]:
    """Each configuration directory with a main.cf and a master.cf."""
    texts = {
        PurePosixPath(file.path): file.data.decode()
        for file in files
        if isinstance(file, ManagedFile) and PurePosixPath(file.path).name in ("main.cf", "master.cf")
    }
    return {
        str(directory): Instance(
            parameters=parse_parameters(texts[directory / "main.cf"]),
            services=parse_services(texts[directory / "master.cf"]),
        )
        for directory in sorted({path.parent for path in texts})
    }


def rspamd(files: Iterable[Managed]) -> dict[str, Scalar]:
    """The plain values of local.d and override.d, as "section.key"; passwords are left out."""
    found: dict[str, Scalar] = {}
    for path, text in _below(files, *RSPAMD):
        if path.stem in ABSORBED:
            continue
        for name, quoted, truth, number in _SCALAR.findall(text):
            if "password" not in name:
                value = float(number) if number else truth == "true" if truth else quoted
                found[f"{_section(path)}.{name}"] = value
    return found


def _section(path: PurePosixPath) -> str:
    worker = path.stem.removeprefix("worker-")
    return path.stem if worker == path.stem else f"worker.{WORKERS.get(worker, worker)}"


def kernel(files: Iterable[Managed]) -> dict[str, str]:
    """The settings of our files in /etc/sysctl.d (sysctl.d(5)); of two the later file holds."""
    texts = [text for _, text in sorted(_below(files, KERNEL))]
    pairs = (pair for text in texts for pair in _SETTING.findall(text) if not pair[0].startswith("-"))
    return {name.replace("/", "."): " ".join(value.split()) for name, value in pairs}


def directories(files: Iterable[Managed]) -> dict[str, State]:
    """The directories of our files in /etc/tmpfiles.d (tmpfiles.d(5)), as they shall be."""
    lines = (line.split() for _, text in _below(files, DIRECTORIES) for line in text.splitlines())
    return {
        words[1]: {"kind": "directory", "mode": words[2], "user": words[3], "group": words[4]}
        for words in lines
        if words[:1] == ["d"] and "-" not in words[2:5]
    }
