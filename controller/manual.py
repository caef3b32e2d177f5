"""Write docs/mxctl.md from the commands themselves: `python -m controller.manual`.

The help is what an operator reads on the host. The JSON is in manual.json beside this file; a test compares
its shape with what each command really says.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from twinmx.mxctl.main import app

DOCUMENT = Path(__file__).parent.parent / "docs" / "mxctl.md"
ANSWERS = Path(__file__).with_suffix(".json")
WIDTH = 100

INTRODUCTION = """\
# mxctl

<!-- Written by `python -m controller.manual`. Change the commands in src/twinmx/mxctl/, never this file. -->

What an operator asks and orders, on a host as root; Tab completes it in bash. From the controller, for
every exchanger at once:

```
make mxctl CMD="status"                             # on all, one after the other on the screen
make mxctl CMD="status --json"                      # one object: host -> {"status", "answer", "errors"}
make mxctl CMD="drain --for 2h" HOST=mx1            # what changes something names one host,
make mxctl CMD="engine skip rspamd --for 30m" ALL=1 # or says that it means all
bin/twinmx mxctl inventory/yours.py -- queue --by reason
```

The exit status is the worst of the hosts'. A host that cannot be reached counts as 3.

Each command's exit statuses are at the end of its help. They mean the same everywhere: 0 done, and well; 1
not done, not all of it, or something is not well; 2 asked wrongly, nothing was done; 3 nobody could be asked.

With `--json` there is JSON on the standard output or nothing; complaints go to standard error. Keys are never
renamed or removed without a line in the changelog; new ones may come. `null` is what is not known. Times are
seconds since 1970, UTC, unless they are written out; what ends in `_seconds` is a length.
"""


def commands(command: Any, parent: Any = None) -> Iterator[tuple[tuple[str, ...], str]]:
    """The words of each command of the tree below `command`, and its help; groups first."""
    name = command.name if parent else "mxctl"
    context = command.context_class(command, info_name=name, parent=parent, terminal_width=WIDTH)
    yield tuple(context.command_path.split()[1:]), command.get_help(context)
    for below in getattr(command, "commands", {}).values():
        yield from commands(below, context)


def render() -> str:
    """The text of docs/mxctl.md."""
    answers = json.loads(ANSWERS.read_text())
    parts = [INTRODUCTION]
    for words, text in commands(typer.main.get_command(app)):
        name = " ".join(words)
        heading = f"## mxctl {name}\n\n" if name else ""
        parts.append(f"{heading}```text\n{text.rstrip()}\n```\n")
        if name in answers:
            parts.append(_shown(answers[name]))
    return "\n".join(parts)


def _shown(answer: Any) -> str:
    """An example of an answer, or the command whose answer has the same shape."""
    if isinstance(answer, str):
        return f"`--json`: as of `mxctl {answer}`.\n"
    return f"`--json`:\n\n```json\n{_laid_out(answer)}\n```\n"


def _laid_out(value: Any, indent: str = "", before: int = 0) -> str:
    """JSON in which what fits on a line is on one."""
    line = json.dumps(value)
    if len(indent) + before + len(line) < WIDTH or not isinstance(value, dict | list):
        return line
    inner = f"{indent} "
    if isinstance(value, list):
        parts, ends = [_laid_out(one, inner) for one in value], "[]"
    else:
        keys = {name: json.dumps(name) + ": " for name in value}
        parts = [key + _laid_out(value[name], inner, len(key)) for name, key in keys.items()]
        ends = "{}"
    return f"{ends[0]}\n" + ",\n".join(f"{inner}{part}" for part in parts) + f"\n{indent}{ends[1]}"


if __name__ == "__main__":
    DOCUMENT.write_text(render())
