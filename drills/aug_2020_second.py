"""Every request to SpamAssassin times out, and each message waits for all of it.

On the afternoon of 11 August 2020 all requests to SpamAssassin timed out, and the queue stood. A message
that did not end with a line end was enough to make one time out. A flush did not help, since what is queued
remembers its destination; the way out was to switch the spam check off.
Source: SimpleLogin, "What happened on August 11 and what we've learned", 2020-08-19.

SpamAssassin is asked first and held (SIGSTOP) on both exchangers: it takes connections and answers nothing.
Now a message waits for its budget at most, the next engine answers, and soon nobody asks the silent one. A
message without a line end at its end (sendmail(1), SMTP cannot say it) arrives like all others, and `mxctl
requeue` says what becomes of each deferred message that it gives a new attempt.
"""

from drills.lib import august_2020
from drills.lib.model import FEWER, Drill, Fault, Holds, Step, Then, Where

SPAMD = "spamd.service"
HOLD = f"systemctl kill --kill-whom=all --signal=STOP {SPAMD}"
RELEASE = f"systemctl kill --kill-whom=all --signal=CONT {SPAMD}"
HELD = f"ps -o state= -p \"$(systemctl show --property MainPID --value {SPAMD})\" | grep -q '^T'"

MXCTL = "bin/twinmx mxctl inventory/lab.py --all --"
SSH = "ssh -F build/lab/ssh_config"
UNENDED = f"""name=unended-$(date +%s)
{SSH} outside "printf 'From: a@sender.example\\nMessage-ID: <$name@sender.example>\\n\\nno line end' \
  | sendmail -f a@sender.example hello@alias.example"
timeout 60 sh -c "until grep -rl $name build/lab/mailboxes/*/new; do sleep 1; done"
echo 'it has arrived'"""
FLUSH = f"{SSH} mx1 postqueue -f && {SSH} mx2 postqueue -f"

DRILL = Drill(
    name="aug-2020-second",
    says="SpamAssassin, asked first, takes every message on both exchangers and answers none.",
    replays=(
        "SimpleLogin, “What happened on August 11 and what we've learned” (second wave), 2020-08-19: "
        "https://simplelogin.io/blog/august-11/"
    ),
    inventory={"spam": {"engines": ["spamassassin", "rspamd"]}},
    faults=(Fault(Where.ALL, HOLD, RELEASE, HELD),),
    streams=(FEWER,),
    steps=(
        Step(0.3, UNENDED, says="it has arrived", name="no final newline"),
        Step(0.8, f"{MXCTL} requeue --instance in", says="matched", name="requeue"),
    ),
    holds=Holds(
        longest=20.0,
        alerts=("EngineTimeouts", "EngineBreakerOpen"),
        act="bypass spamassassin",
    ),
    then=Then(
        inventory=august_2020.INVENTORY,
        says=august_2020.SAYS,
        steps=(
            Step(0.4, FLUSH, name="queue flushed"),
            Step(
                0.8,
                f"{MXCTL} engine skip spamassassin --for 90s --force --reason 'as in 2020'",
                name="no spam check",
            ),
        ),
    ),
    core=True,
)
