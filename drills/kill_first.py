"""The first exchanger is gone from one moment to the next, with all it has in hand.

What a power cut or a lost hypervisor does. On 10 March 2021 a fire took a whole data centre at once:
INCIBE-CERT, "Fire disrupts the availability of some servers of OVHcloud".

`docker kill` ends all of its processes; nothing answers at its address any more, so a sender waits until
its own system gives the connection up. The other exchanger sees the silence and puts it behind in DNS. What
its queue held is on its disk and is delivered once it is back. What Postfix and the workers had in hand may
arrive twice, since nobody can know whether the last answer was seen (RFC 5321, 4.5.3.2.6). Back again, the
host may drain itself for a while: the canary's messages that it has lost speak against it.
"""

from dataclasses import replace

from drills.lib.model import USERS, Drill, Fault, Holds, Where

HOST = "twinmx-mx1"
RUNNING = f"docker inspect --format '{{{{.State.Running}}}}' {HOST}"

DRILL = Drill(
    name="kill-first",
    says="The first exchanger is killed under load, and comes back.",
    replays=(
        "INCIBE-CERT, “Fire disrupts the availability of some servers of OVHcloud”, 2021-03-10: "
        "https://www.incibe.es/en/incibe-cert/publications/cybersecurity-highlights/"
        "fire-disrupts-availability-some-servers-ovhcloud"
    ),
    faults=(
        Fault(
            Where.CONTROLLER, f"docker kill {HOST}", f"docker start {HOST}", f'test "$({RUNNING})" = false'
        ),
    ),
    streams=(replace(USERS, connections=48),),  # many wait at once for the one that is gone
    holds=Holds(
        p99=15.0,
        alerts=("HostSilent", "SmtpSilent"),
        act="demote mx1",
        tolerated=("drain mx1",),
        takes_over=60.0,
        slots=160,
    ),
    core=True,
)
