"""An operator pushes a wrong configuration, twice, while mail flows.

On 2 July 2019 one rule that no check had stopped took Cloudflare's network down: "Details of the Cloudflare
outage on July 2, 2019". What is wrong has to be refused before it serves, by somebody who can tell.

First a value that the inventory does not allow: refused on the controller, with what is allowed. Then a
template of main.cf with a number that is none: Postfix's own check refuses the candidate on the host that
comes first. That one goes back into service as it was, and the other is never touched.
"""

from drills.lib.model import Drill, Holds, Step, Timeline

CONVERGE = ".venv/bin/python -m controller converge inventory/lab.py"
EDIT = (
    'Edit("templates/postfix/main.cf.j2", "compatibility_level", '
    '"smtpd_hard_error_limit = many\\ncompatibility_level")'
)
PUSH = f""".venv/bin/python - <<'END'
from lab.checkouts import INVENTORY, Edit, checkout, twinmx
ran = twinmx(checkout("drill", {EDIT}), "converge", INVENTORY)
print(ran.said)
raise SystemExit(ran.status)
END"""

DRILL = Drill(
    name="wrong-configuration",
    says="An operator converges a value that is not allowed, then a configuration that Postfix cannot read.",
    replays=(
        "Cloudflare, “Details of the Cloudflare outage on July 2, 2019”: "
        "https://blog.cloudflare.com/details-of-the-cloudflare-outage-on-july-2-2019/"
    ),
    steps=(
        Step(
            0.05,
            f"{CONVERGE} --data workers=0",
            status=1,
            says="allowed: a whole number from 1 to 64",
            name="wrong value",
        ),
        Step(0.2, PUSH, status=1, says="the candidate was refused by", name="wrong template"),
    ),
    timeline=Timeline(fault=240.0),
    holds=Holds(p99=5.0),
)
