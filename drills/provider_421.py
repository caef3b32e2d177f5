"""A mailbox provider puts off everything: 421 to each recipient.

Providers do it to whoever sends more than they like, and in outages of their own: Google, "Gmail SMTP errors
and codes" (421 4.7.0, "Try again later, closing connection", as here).

Only mail for that provider may wait. It is put off in postfix-out, where a destination has a queue of its
own; users elsewhere must not notice. Both exchangers see the same, so neither has a reason to drain. What
waits is delivered after the repair, when Postfix tries again.
"""

from drills.lib.model import Drill, Fault, Holds, Stream, Where

PROVIDER = "post.example"
ANSWER = "421 4.7.0 Try again later, closing connection"
BEGIN = f"""postconf -e 'smtpd_recipient_restrictions = \
check_recipient_access inline:{{ {{ {PROVIDER} = {ANSWER} }} }}'
postfix reload"""
END = """postconf -X smtpd_recipient_restrictions
postfix reload"""
SLOW_RATE = 4.0
"""More than `monitors.deferral_share` (0.3) of all deliveries, beside five a second for other users."""

DRILL = Drill(
    name="provider-421",
    says="One mailbox provider answers 421 to every recipient.",
    replays=(
        "Google Workspace, “Gmail SMTP errors and codes”: https://support.google.com/a/answer/3726730; "
        "RFC 5321, section 3.8: https://www.rfc-editor.org/rfc/rfc5321#section-3.8"
    ),
    faults=(
        Fault(
            Where.OUTSIDE,
            BEGIN,
            END,
            "postconf -h smtpd_recipient_restrictions | grep -q ' 421 ' "
            "&& journalctl -q -u 'postfix*' --since -60s -g '421.4.7.0' >/dev/null",
        ),
    ),
    streams=(
        Stream("users", rate=5.0, domain="mailbox.example"),
        Stream("slow", rate=SLOW_RATE, to="flooded", bystander=False, at_least=600),
    ),
    holds=Holds(p99=5.0, of_baseline=2.0, alerts=("DeferralRatio",)),
)
