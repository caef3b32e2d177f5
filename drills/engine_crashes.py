"""An update makes a spam engine crash on every message, past the checker that a converge asks.

On 1 January 2022 the signature file of the day made the malware engine of Exchange Server crash as it was
loaded, and mail stood in the queues of whoever scanned with it: Microsoft, "Email Stuck in Exchange
On-premises Transport Queues".

Here a rule of Rspamd's writes to address 0. Its configuration is valid, so `rspamadm configtest` has nothing
to say. Each scan kills the worker that does it, and writing down where takes that worker longer than its
budget.

The chain must go on with SpamAssassin: nothing lost, nothing refused. The first messages wait for Rspamd's
budget (4 s in the lab), and then in line for SpamAssassin, until the breakers are open.
"""

from drills.lib.model import FEWER, Drill, Fault, Holds, Where

RULE = "/etc/rspamd/rspamd.local.lua"
BEGIN = f"""cat >{RULE} <<'END'
local ffi = require "ffi"
rspamd_config.DRILL_CRASHES = {{
  callback = function() ffi.cast("int *", 0)[0] = 1 end,
  score = 0.1,
}}
END
chmod 0644 {RULE}
systemctl restart rspamd.service"""
END = f"""test -e {RULE} || exit 0
rm {RULE}
systemctl restart rspamd.service"""
CRASHED = "journalctl -q -u rspamd.service --since -60s | grep -q 'terminated abnormally'"

DRILL = Drill(
    name="engine-crashes",
    says="An update has Rspamd crash on every message, on both exchangers.",
    replays=(
        "Microsoft, “Email Stuck in Exchange On-premises Transport Queues”, 2022-01-01: "
        "https://techcommunity.microsoft.com/t5/exchange-team-blog/"
        "email-stuck-in-exchange-on-premises-transport-queues/ba-p/3049447"
    ),
    faults=(Fault(Where.ALL, BEGIN, END, f"test -e {RULE} && {CRASHED}"),),
    streams=(FEWER,),
    holds=Holds(
        p99=8.0,
        longest=20.0,
        alerts=("EngineBreakerOpen", "EngineTimeouts"),
        act="bypass rspamd",
    ),
)
