"""The same work as an Ansible playbook: a task a file, link, absent path and unit, one for the packages.

A task serves all hosts, as in any playbook; where hosts differ in what it says, content apart, there are two,
each with its hosts. Contents are copied and not rendered, which is the cheaper of the two for Ansible. Loops
instead of tasks would save it nothing: each item runs the same modules.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.fleet.work import Work

Task = dict[str, Any]
"""A task as it stands in the playbook."""


def _packages(work: Work) -> Iterator[Task]:
    names = [f"{name}>={least}" if least else name for name, least in sorted(work.packages.items())]
    yield {"name": "packages", "ansible.builtin.apt": {"name": names, "state": "present"}}


def _files(work: Work) -> Iterator[Task]:
    for file in work.files:
        attributes = {"owner": file.owner, "group": file.group, "mode": file.mode}
        source = f"{{{{ inventory_hostname }}}}{file.path}"  # below files/, beside the playbook
        task: Task = {
            "name": file.path,
            "ansible.builtin.copy": {"src": source, "dest": file.path, **attributes},
        }
        yield task | ({"no_log": True} if file.secret else {})


def _others(work: Work) -> Iterator[Task]:
    for path, target in work.links.items():
        link = {"path": path, "src": target, "state": "link"}
        yield {"name": path, "ansible.builtin.file": link}
    for path in work.absent:
        yield {"name": f"no {path}", "ansible.builtin.file": {"path": path, "state": "absent"}}


def _units(work: Work) -> Iterator[Task]:
    for unit in work.units:
        wanted: dict[str, object] = {"name": unit}
        wanted |= {"state": "started"} if unit in work.active else {}
        wanted |= {"enabled": True} if unit in work.at_boot else {}
        yield {"name": unit, "ansible.builtin.systemd_service": wanted}


def tasks(works: Mapping[str, Work]) -> list[Task]:
    """The tasks for the hosts `works`, by name: packages, files, links and absent paths, units."""
    merged: list[tuple[Task, list[str]]] = []
    for part in (_packages, _files, _others, _units):
        found: dict[str, tuple[Task, list[str]]] = {}
        for host, work in works.items():
            for task in part(work):
                found.setdefault(yaml.safe_dump(task), (task, []))[1].append(host)
        merged += found.values()
    return [
        task if len(hosts) == len(works) else task | {"when": f"inventory_hostname in {hosts}"}
        for task, hosts in merged
    ]


def checks(work: Work) -> int:
    """How many tasks a host with this work has."""
    return len(tasks({"one": work}))


def write(directory: Path, works: Mapping[str, Work]) -> Path:
    """Write playbook.yml beside the contents (bench/fleet/work.py); returns its path."""
    play = {"name": "The same work", "hosts": "all", "gather_facts": False, "tasks": tasks(works)}
    file = directory / "playbook.yml"
    file.write_text(yaml.safe_dump([play], sort_keys=False, width=110))
    return file
