"""Tab in bash completes what mxctl knows, with the file that the release puts on the hosts."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from roles.release import COMPLETION

ASK = """
source {file}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
function=$(complete -p mxctl | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function mxctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(directory: Path, *words: str) -> list[str]:
    """What Tab offers behind `mxctl WORDS`."""
    file = directory / "mxctl"
    file.write_bytes(COMPLETION.data)
    typed = " ".join(map(shlex.quote, ["mxctl", *words]))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK.format(file=file, words=typed)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["un"], ["undrain"]),
        (["failover", ""], ["status", "hold", "release"]),
        (["drain", "--w"], ["--wait"]),
        (["queue", "--instance", ""], ["in", "out", "both"]),
    ],
)
def test_tab_offers_commands_options_and_values(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    assert completed(tmp_path, *words) == offered
