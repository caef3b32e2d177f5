"""Converge the outside host: names, the resolver in front of them, packages, and what stands for others."""

from lab.outside.roles.alerts import alerts
from lab.outside.roles.knot import knot
from lab.outside.roles.packages import package_cache
from lab.outside.roles.pebble import pebble
from lab.outside.roles.policies import policies
from lab.outside.roles.postfix import postfix
from lab.outside.roles.unbound import unbound

knot()
unbound()
package_cache()
postfix()
alerts()
policies()
pebble()
