"""The clock of one exchanger jumps an hour ahead, and back again.

On 19 November 2012 two public time servers told the year 2000, and machines believed them (time-nuts, "Year
2000?"). Whatever goes by the time of the day goes wrong then, and once more on the way back: marks that age,
orders that expire, timers that should have been monotonic.

The lab's hosts share one kernel and so one clock. Hence libfaketime, in the gates and forwarders alone:
Valkey does not start with it, and the monitors look at the kernel's clock, so no alert can come. The jump
happens in running processes, by a file that they read. Their own logs prove it.
"""

from drills.lib.model import Drill, Fault, Holds, Step, Where

CLOCK = "/run/drill-clock"
DROP_IN = "drill-clock.conf"
TEMPLATES = "gate@.service forwarder@.service"
RESTART = """systemctl daemon-reload
for unit in $(systemctl list-units --plain --no-legend 'gate@*.service' 'forwarder@*.service' \\
  | cut -d' ' -f1); do
  systemctl restart "$unit"
done"""
BEGIN = f"""dpkg -s libfaketime >/dev/null 2>&1 || DEBIAN_FRONTEND=noninteractive \\
  apt-get -qq -o DPkg::Lock::Timeout=120 install --no-install-recommends libfaketime >/dev/null
library=$(dpkg -L libfaketime | grep '/libfaketime.so.1$')
echo +0 >{CLOCK}
for unit in {TEMPLATES}; do
  mkdir -p /run/systemd/system/$unit.d
  cat >/run/systemd/system/$unit.d/{DROP_IN} <<END
[Service]
Environment=LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE={CLOCK} FAKETIME_CACHE_DURATION=1
Environment=FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1
END
done
{RESTART}
echo +3600 >{CLOCK}"""
END = f"""test -e {CLOCK} || exit 0
for unit in {TEMPLATES}; do rm -f /run/systemd/system/$unit.d/{DROP_IN}; done
{RESTART}
apt-get -qq -o DPkg::Lock::Timeout=120 purge libfaketime >/dev/null
rm {CLOCK}"""
AHEAD = """hour=$(date -u -d '+1 hour' +%Y-%m-%dT%H:)
for units in 'gate@*.service' 'forwarder@*.service'; do
  journalctl -q -o cat -u "$units" --since -30s | grep -q "timestamp.: .$hour"
done"""

DRILL = Drill(
    name="clock-jump",
    says="The clock of the first exchanger's gates and forwarders jumps an hour ahead, and later back.",
    replays=(
        "Magnus Danielson on time-nuts, “Year 2000?”, 2012-11-21: "
        "https://lists.febo.com/pipermail/time-nuts/2012-November/071935.html"
    ),
    faults=(Fault(Where.FIRST, BEGIN, END, AHEAD, lasts=False),),
    steps=(Step(0.6, f"ssh -F build/lab/ssh_config mx1 'echo +0 >{CLOCK}'", name="clock back"),),
    holds=Holds(p99=5.0),
)
