"""A test alert goes the way of every alert, to whoever is on call.

On 16 June 2021 users noticed before the team did, which was on vacation: SimpleLogin, "What happened on
June 16, 2021, and how we make sure it never happens again", 2021-06-27. Who never had a test alert does not
know whether one comes.

Alertmanager of the first exchanger is given the alert DrillTest, severity page, as Prometheus would do it;
the one that is told is the real receiver. It is over with the drill. Mail does not come into it, so the
drill may be run where real mail flows: say so to who is on call.
"""

from drills.lib.model import Drill, Fault, Holds, Where
from drills.lib.sources import JUNE_2021

NAME = "DrillTest"
ADDRESS = "sed -n 's/.*--web.listen-address=\\([^ ]*\\).*/\\1/p' /etc/default/prometheus-alertmanager"
AMTOOL = f'amtool --alertmanager.url="http://$({ADDRESS})"'
NOW = "date -u +%FT%TZ"
ADD = f'{AMTOOL} alert add alertname={NAME} severity=page host="$(hostname -s)"'
SAYS = (
    """--annotation='summary="A test: nobody feels anything."' --annotation='cause="The drill alert-test."'"""
)

DRILL = Drill(
    name="alert-test",
    says="A test alert is raised on the first exchanger and told to the real receivers.",
    replays=JUNE_2021,
    faults=(
        Fault(
            Where.FIRST,
            f'{ADD} {SAYS} --start="$({NOW})" --end="$({NOW} -d \'+1 day\')"',
            f'{ADD} {SAYS} --end="$({NOW})"',
            f"{AMTOOL} --output=json alert query alertname={NAME} | grep -q {NAME}",
        ),
    ),
    holds=Holds(p99=5.0, alerts=(NAME,)),
    harmless=True,
)
