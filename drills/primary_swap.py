"""The other exchanger is made the first one, by a converge, while mail flows.

What the service did by hand on 11 August 2020, when it sent most of its mail to the second server to have
the first one free: SimpleLogin, "What happened on August 11 and what we've learned", 2020-08-19. It is also
the way to find out, before it has to be known, that the second exchanger bears all of the mail.

Nothing is broken, so the drill may be run where real mail flows. Senders follow as soon as their resolvers
have forgotten the old MX records.
"""

from drills.lib.model import Drill, Holds, Timeline, Where
from drills.lib.sources import AUGUST_2020

DRILL = Drill(
    name="primary-swap",
    says="A converge gives the last exchanger the lowest MX preference.",
    replays=AUGUST_2020,
    primary=Where.LAST,
    timeline=Timeline(fault=240.0),
    holds=Holds(p99=5.0, of_baseline=3.0, takes_over=180.0),
    harmless=True,
)
