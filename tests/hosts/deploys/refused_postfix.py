"""Postfix's role with a number of recipients that the schema would have refused."""

from dataclasses import replace

from roles import postfix
from roles.lib.site import this_site

_site = this_site()
_messages = _site.exchange.messages.model_copy(update={"max_recipients": "many"})
postfix.deploy(replace(_site, exchange=_site.exchange.model_copy(update={"messages": _messages})))
