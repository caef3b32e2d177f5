"""Converge the outside host: names first, then the resolver in front of them, packages, mail, alerts."""

from lab.outside.roles.alerts import alerts
from lab.outside.roles.knot import knot
from lab.outside.roles.packages import package_cache
from lab.outside.roles.postfix import postfix
from lab.outside.roles.unbound import unbound

knot()
unbound()
package_cache()
postfix()
alerts()
