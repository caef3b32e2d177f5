"""The resolver of one exchanger takes questions and answers none.

Everything else on a mail exchanger asks the resolver, and nobody looks at it. On 4 October 2023 a public one
failed up to 15 % of its questions, for hours: Cloudflare, "1.1.1.1 lookup failures on October 4th, 2023".
Here Unbound of the first exchanger is held (SIGSTOP), which is worse than dead: each question costs its
whole patience. Postfix waits for the sender's name at each connection, Rspamd for its records, and
postfix-out finds no mail server.

Mail goes on by way of the other exchanger once the first is drained. What postfix-out of the first had taken
before waits there for the repair: nothing is lost, and the longest delay is the time until then and until
Postfix tries again.
"""

from drills.lib.model import Drill, Fault, Holds, Where

UNIT = "unbound.service"

DRILL = Drill(
    name="resolver-dead",
    says="The resolver of the first exchanger is held: it takes questions and never answers.",
    replays=(
        "Cloudflare, “1.1.1.1 lookup failures on October 4th, 2023”, 2023-10-04: "
        "https://blog.cloudflare.com/1-1-1-1-lookup-failures-on-october-4th-2023/"
    ),
    faults=(
        Fault(
            Where.FIRST,
            f"systemctl kill --kill-whom=all --signal=STOP {UNIT}",
            f"systemctl kill --kill-whom=all --signal=CONT {UNIT} || true",
            f'ps -o state= -p "$(systemctl show -P MainPID {UNIT})" | grep -q T',
        ),
    ),
    holds=Holds(
        longest=660.0,
        alerts=("ResolverSlow", "DeferralRatio", "DeliveryDelay"),
        act="drain mx1",
        tolerated=("bypass rspamd", "bypass spamassassin"),
        takes_over=120.0,
    ),
)
