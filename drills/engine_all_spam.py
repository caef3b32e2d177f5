"""An update makes a spam engine take everything for spam.

From 1 January 2010 on, a rule of SpamAssassin's against dates "grossly in the future" matched every date,
3.2 points for each message, and good mail was refused ("SpamAssassin 2010 Bug"). Here the rule is Rspamd's
and has 100 points, so that no message is below the limit.

Such an engine answers quickly and in good form: no deadline, no breaker and no share of failures sees it.
What does is good mail of our own, which each exchanger sends through both (`CanaryVerdict`). No user's
letter may be refused because of it, for a refusal in the session is final, and none may go to quarantine.
"""

from drills.lib.model import FEWER, Drill, Fault, Holds, Where

RULE = "/etc/rspamd/rspamd.local.lua"
SCAN = (
    "printf 'From: a@sender.example\\r\\nSubject: a letter\\r\\n\\r\\nHello.\\r\\n' "
    "| curl --silent --fail --max-time 5 --unix-socket /run/rspamd/scan.sock --data-binary @- "
    "http://rspamd/checkv2"
)
BEGIN = f"""cat >{RULE} <<'END'
rspamd_config.DRILL_ALL_SPAM = {{
  callback = function() return true end,
  score = 100.0,
}}
END
chmod 0644 {RULE}
systemctl reload rspamd.service"""
END = f"""test -e {RULE} || exit 0
rm {RULE}
systemctl reload rspamd.service"""

DRILL = Drill(
    name="engine-all-spam",
    says="An update has Rspamd take every message for spam, on both exchangers.",
    replays=(
        "M. Cardwell, “SpamAssassin 2010 Bug”, 2010-01-01: https://www.grepular.com/SpamAssassin_2010_Bug"
    ),
    faults=(Fault(Where.ALL, BEGIN, END, f"{SCAN} | grep -q DRILL_ALL_SPAM"),),
    streams=(FEWER,),
    holds=Holds(p99=8.0, act="bypass rspamd", alerts=("EngineTimeouts", "EngineBreakerOpen")),
)
