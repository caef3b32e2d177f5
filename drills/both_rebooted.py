"""Both exchangers are rebooted at the same moment.

On 27 May 2014 an operator of Joyent's rebooted every server of a data centre in place of a few: "Postmortem
for outage of us-east-1". A power failure, or an update of the machine below, does the same. Nobody takes
mail meanwhile; senders wait and try again.

Both must come up by themselves, without a converge, with what was in their queues. Neither may take the
other's boot for a reason to stay drained, or to leave it behind.
"""

from drills.lib.model import Drill, Fault, Holds, Step, Where

HOSTS = "twinmx-mx1 twinmx-mx2"
BEGIN = f"""for host in {HOSTS}; do docker restart -t 30 $host & done
wait
for host in {HOSTS}; do test "$(docker inspect -f '{{{{.State.Running}}}}' $host)" = true; done"""
END = f"""for host in {HOSTS}; do docker start $host; done"""
YOUNG = f"""for host in {HOSTS}; do
  started=$(docker inspect -f '{{{{.State.StartedAt}}}}' $host)
  test $(($(date +%s) - $(date -d "$started" +%s))) -lt 120
done"""
UNITS = "postfix postfix@out rspamd spamd valkey-server unbound forwarder@1 gate@1 failover"
UP = f"""for host in {HOSTS}; do
  for unit in {UNITS}; do docker exec $host systemctl is-active $unit; done
done"""
IN_SERVICE = f"""for host in {HOSTS}; do
  docker exec $host mxctl failover status | grep -E '^state: +active '
done"""

DRILL = Drill(
    name="both-rebooted",
    says="Both exchangers are rebooted at once.",
    replays=(
        "Joyent, “Postmortem for outage of us-east-1”, 2014-05-27: "
        "https://www.tritondatacenter.com/blog/postmortem-for-outage-of-us-east-1-may-27-2014"
    ),
    faults=(Fault(Where.CONTROLLER, BEGIN, END, YOUNG, lasts=False),),
    steps=(Step(0.4, UP, name="all units up"), Step(0.95, IN_SERVICE, name="both in service")),
    holds=Holds(
        longest=180.0,
        tolerated=("drain mx1", "drain mx2", "demote mx1", "demote mx2", "bypass rspamd"),
        slots=400,
        both_refuse=True,
    ),
)
