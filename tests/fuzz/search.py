"""One target in a process of its own: `python -m tests.fuzz.search TARGET [libFuzzer's options] CORPUS`.

libFuzzer ends the process that it runs in, so each target has one.
"""

import importlib
import sys

import atheris


def main() -> None:
    """Search until the time is up (exit status 0) or something does not hold."""
    name = sys.argv[1]
    with atheris.instrument_imports(include=["twinmx", name]):
        target = importlib.import_module(name)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
