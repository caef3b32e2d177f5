"""The forwarder's role with a deadline longer than Postfix waits, which the schema would have refused."""

from dataclasses import replace

from roles import forwarder
from roles.lib.site import this_site

_site = this_site()
_deadlines = _site.exchange.deadlines.model_copy(update={"forwarder_seconds": 61})
forwarder.deploy(replace(_site, exchange=_site.exchange.model_copy(update={"deadlines": _deadlines})))
