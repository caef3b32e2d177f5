"""`python -m tests.fuzz --seconds 600 [TARGET…]`: search for inputs that break what must hold."""

import argparse
import sys

from tests.fuzz.run import names, search


def main() -> int:
    """Run the targets one after the other, each for its share of the time; 1 where something was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Fuzz what reads strangers' bytes."
    )
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together (default: 60)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default: all of {', '.join(names())}")
    given = parser.parse_args()
    chosen = given.targets or names()
    if unknown := set(chosen) - set(names()):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    share = max(1, given.seconds // len(chosen))
    failed = False
    for name in chosen:
        report = search(name, share)
        print(f"{name:20} {report.runs:9} runs in {share:4} s, {report.covered:5} branches", flush=True)
        if found := report.found:
            failed = True
            print(f"  {found.says}\n  on {found.input!r}\n  saved as {found.saved}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
