"""An ordinary change under load: one exchanger after the other, and back.

Most incidents begin with a change, about 70 % of all outages: Google, "Site Reliability Engineering",
chapter 1. A change must be no incident. Each exchanger is drained while it changes, and takes mail again
only when a message has come through it.

Four forwarders on each host in place of three, then three again. No letter may be refused by both exchangers
in one round.
"""

from drills.lib.model import Drill, Holds, Step, Timeline

CONVERGE = ".venv/bin/python -m controller converge inventory/lab.py"

DRILL = Drill(
    name="rolling-converge",
    says="A rolling converge to one more forwarder on each host, and back.",
    replays=(
        "Google, “Site Reliability Engineering”, chapter 1, change management: "
        "https://sre.google/sre-book/introduction/"
    ),
    steps=(
        Step(0.02, f"{CONVERGE} --data workers=4", says="mx1 is drained", name="4 workers"),
        Step(0.5, CONVERGE, says="mx1 is drained", name="3 workers"),
    ),
    timeline=Timeline(fault=300.0),
    holds=Holds(p99=5.0),
)
