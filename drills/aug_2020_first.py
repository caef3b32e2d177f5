"""A spam engine takes the CPU, the forwarder is dead and stays dead, and more mail comes than usual.

On the morning of 11 August 2020 SpamAssassin took 100 % of the CPU of the service's first exchanger, the
mail handler there was down although it was set to restart, and the second exchanger, which usually had a
fraction of the mail, met a peak. Users waited up to eight hours.
Source: SimpleLogin, "What happened on August 11 and what we've learned", 2020-08-19.

SpamAssassin is asked first here, as then. A rule of it needs some 10^9 steps for each message; where
cgroups are available spamd's CPU cap binds, and in the lab's containers it takes both cores. The forwarders
are masked as well as killed: systemd would have them back within a second. Now the host closes its port 25
by itself, the other one carries the mail and what was queued, and no scan is waited for past its deadline.
"""

from dataclasses import replace

from drills.lib import august_2020
from drills.lib.model import USERS, Drill, Fault, Holds, Stream, Then, Where

RULE = "/etc/spamassassin/zz-drill.cf"
GROUPS = "(.{0,13})" * 8
"""Their 14^8 divisions of the first 104 bytes of the header are all tried, since what follows never fits."""

BURN = rf"""cat >{RULE} <<'END'
header DRILL_BURNS ALL =~ /\A{GROUPS}[\x01\x02][\x03\x04]/s
score DRILL_BURNS 0.01
END
chmod 0644 {RULE}
systemctl restart spamd.service"""
CALM = f"""test -e {RULE} || exit 0
rm {RULE}
systemctl restart spamd.service"""
LONG_HEADER = "Subject: " + "drill " * 25
BURNS = f"""late=0
printf '{LONG_HEADER}\\n\\ndrill\\n' | timeout 5 spamc --dest 127.0.0.1 --check >/dev/null || late=$?
test $late = 124
ps -o state= -p "$(pgrep -d, -f '^spamd child')" | grep -q R"""

FORWARDERS = 'names=$(systemctl show --property Wants --value forwarder.target); test -n "$names"'
KILL = f"""{FORWARDERS}
systemctl mask --runtime $names
systemctl kill --kill-whom=all --signal=KILL $names || true
systemctl stop $names"""
REVIVE = f"""{FORWARDERS}
systemctl unmask --runtime $names
systemctl start $names"""
DEAD = "! systemctl list-units --plain --no-legend --state=active 'forwarder@*.service' | grep -q ."

TRICKLE = replace(USERS, rate=2.0)
"""SpamAssassin scans three or four letters a second on the lab's two cores, and is to be well at first."""

PEAK = Stream("peak", rate=2.0, throughout=False, at_least=250)

DRILL = Drill(
    name="aug-2020-first",
    says="SpamAssassin at all the CPU it gets and no forwarder on the first exchanger, under twice the mail.",
    replays=(
        "SimpleLogin, “What happened on August 11 and what we've learned” (first wave), 2020-08-19: "
        "https://simplelogin.io/blog/august-11/"
    ),
    inventory={"spam": {"engines": ["spamassassin", "rspamd"]}},
    faults=(Fault(Where.FIRST, BURN, CALM, BURNS), Fault(Where.FIRST, KILL, REVIVE, DEAD)),
    streams=(TRICKLE, PEAK),
    holds=Holds(
        longest=20.0,
        alerts=("ForwardersGone",),
        act="drain mx1",
        tolerated=("bypass spamassassin",),
        takes_over=90.0,
        slots=60,
    ),
    then=Then(
        inventory=august_2020.INVENTORY,
        says=august_2020.SAYS,
    ),
)
