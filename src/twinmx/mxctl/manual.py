"""The end of every command's help, in one form: examples, and what each exit status means."""

from collections.abc import Mapping

ASKED_WRONGLY, SILENT = 2, 3


def manual(*examples: str, status: Mapping[int, str]) -> str:
    """Return the epilog of a command; `status` leaves out 2, which is the same for all.

    Lines begin with what click needs to leave them as they are.
    """
    meanings = dict(sorted({**status, ASKED_WRONGLY: "asked wrongly; nothing was done"}.items()))
    return "\n".join(
        [
            "\b",
            "Examples:",
            *(f"  {example}" for example in examples),
            "",
            "\b",
            "Exit status:",
            *(f"  {number}  {meaning}" for number, meaning in meanings.items()),
        ]
    )
