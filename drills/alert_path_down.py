"""Something breaks while nobody can be told: the pager is down.

An incident that takes its own alerts along lasts longer. When GitLab needed its backups on 31 January 2017,
there were none: the mails that said so had been refused for long, unseen (GitLab, "Postmortem of database
outage of January 31").

The pager is stopped first, then Valkey of the first exchanger, for which there is an alert. Mail goes on.
The monitors note by an alert of their own that they are not heard, for whoever looks at them. Once the pager
is back, it is told of what is still wrong.
"""

from drills.lib.model import Drill, Fault, Holds, Step, Where

PAGER = "pager.service"
VALKEY = "valkey-server.service"
FIRST = "docker exec twinmx-mx1"
BACK_AT = 0.7
FAULT_SECONDS = 180.0
TOLD_SECONDS = 30.0
"""How soon after its return the pager must have been told."""

DRILL = Drill(
    name="alert-path-down",
    says="The pager is down while Valkey of the first exchanger dies.",
    replays=(
        "GitLab, “Postmortem of database outage of January 31”, 2017-02-10: "
        "https://about.gitlab.com/blog/2017/02/10/postmortem-of-database-outage-of-january-31/"
    ),
    faults=(
        Fault(
            Where.OUTSIDE,
            f"systemctl stop {PAGER}",
            f"systemctl start {PAGER}",
            f"! systemctl is-active --quiet {PAGER}",
            lasts=False,
        ),
        Fault(
            Where.CONTROLLER,
            f"{FIRST} systemctl mask --runtime {VALKEY}\n{FIRST} systemctl stop {VALKEY}",
            f"{FIRST} systemctl unmask --runtime {VALKEY}\n{FIRST} systemctl start {VALKEY}",
            f"! {FIRST} systemctl is-active --quiet {VALKEY}",
        ),
    ),
    steps=(
        Step(
            0.5,
            "curl --silent --fail --max-time 10 http://198.51.100.11:20466/api/v1/alerts",
            says="NotificationsFail",
            name="Prometheus knows",
        ),
        Step(BACK_AT, f"ssh -F build/lab/ssh_config outside systemctl start {PAGER}", name="pager back"),
    ),
    holds=Holds(
        p99=5.0,
        alerts=("ValkeyMissing",),
        alert_seconds=BACK_AT * FAULT_SECONDS + TOLD_SECONDS,
    ),
)
