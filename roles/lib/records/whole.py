"""The whole DNS plan of an exchange."""

from collections.abc import Collection

from inventory.schema import Exchange
from roles.lib.records.addresses import addresses
from roles.lib.records.caa import caa
from roles.lib.records.dkim import dkim
from roles.lib.records.dmarc import dmarc
from roles.lib.records.keys import Keys
from roles.lib.records.mta_sts import mta_sts
from roles.lib.records.mx import mx
from roles.lib.records.spf import spf
from roles.lib.records.tlsa import tlsa
from roles.lib.records.tlsrpt import tlsrpt
from roles.lib.records.wanted import Wanted


def wanted_records(exchange: Exchange, keys: Keys, demoted: Collection[str] = ()) -> list[Wanted]:
    """Every record set of the served domains and of the exchangers; no name and type comes twice."""
    return [
        *mx(exchange, demoted),
        *addresses(exchange),
        *spf(exchange),
        *dkim(exchange, keys),
        *dmarc(exchange),
        *mta_sts(exchange),
        *tlsrpt(exchange),
        *tlsa(exchange, keys),
        *caa(exchange),
    ]
