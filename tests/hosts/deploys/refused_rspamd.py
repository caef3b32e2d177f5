"""Rspamd's role with a score that the schema would have refused."""

from dataclasses import replace

from roles import rspamd
from roles.lib.site import this_site

_site = this_site()
_spam = _site.exchange.spam.model_copy(update={"reject_score": "{ high"})
rspamd.deploy(replace(_site, exchange=_site.exchange.model_copy(update={"spam": _spam})))
