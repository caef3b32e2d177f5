"""Compare what a resolver says with what is wanted, and say what is wrong in a sentence."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dns.rdata import Rdata, from_text
from dns.rdataclass import IN
from dns.rdatatype import RdataType
from dns.reversename import from_address

from controller.dns.asking import Answer, Question
from inventory.schema import Exchange, Exchanger
from roles.lib.records.wanted import Wanted, text_of


class Problem(NamedTuple):
    """What is wrong with a name and type, and how to mend it. wanted, found: values in zone file notation."""

    name: str
    kind: str
    says: str
    mend: str
    wanted: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


APPLY = "apply"
"""Stands for the command that sets the record, which knows the inventory's name."""

Answers = dict[Question, Answer]


def question_of(wanted: Wanted) -> Question:
    """What to ask for a record set."""
    return Question(wanted.name, wanted.kind)


def judge(wanted: Wanted, answer: Answer) -> Problem | None:
    """What is wrong with the answer; None where nothing is."""
    mend = APPLY
    says = _broken(answer) or _difference(wanted, answer)
    if says is None and wanted.kind == "TLSA" and not answer.signed:
        says = "is not signed, so senders with DANE take no notice of it"
        mend = "sign the zone (DNSSEC), and give its DS record to the registrar"
    return Problem(wanted.name, wanted.kind, says, mend, wanted.values, answer.values) if says else None


def _broken(answer: Answer) -> str | None:
    if answer.state != "broken":
        return None
    return (
        f"cannot be looked up ({answer.detail}): the name servers of the zone do not answer, or its "
        "signatures are wrong"
    )


def _difference(wanted: Wanted, answer: Answer) -> str | None:
    if wanted.shared == "":
        missing = _parsed(wanted.kind, wanted.values) - _parsed(wanted.kind, answer.values)
        return f"does not have all of ours: {wanted.purpose}" if missing else None
    ours = [value for value in answer.values if wanted.owns(value)]
    if not ours:
        return f"does not exist: {wanted.purpose}"
    if wanted.shared and len(ours) > 1:
        return f"stands there {len(ours)} times, and so counts as none: {wanted.purpose}"
    if _same(wanted, ours):
        return None
    return _reordered(wanted, ours) or f"says something else: {wanted.purpose}"


def _same(wanted: Wanted, found: Iterable[str]) -> bool:
    if wanted.kind == "TXT":  # where a text is cut, and a last semicolon, mean nothing
        return {_trimmed(value) for value in found} == {_trimmed(value) for value in wanted.values}
    return _parsed(wanted.kind, found) == _parsed(wanted.kind, wanted.values)


def _trimmed(value: str) -> str:
    return text_of(value).strip().rstrip(";").rstrip()


def _parsed(kind: str, values: Iterable[str]) -> set[Rdata]:
    return {from_text(IN, RdataType.from_text(kind), value) for value in values}


def _reordered(wanted: Wanted, found: Iterable[str]) -> str | None:
    """MX with the right hosts in another order."""
    if wanted.kind != "MX":
        return None
    if {value.split()[1].lower() for value in found} != {value.split()[1] for value in wanted.values}:
        return None
    return (
        "names the exchangers in another order than the inventory: a failover is under way (mxctl failover "
        "status), or one was and the resolver still remembers it"
    )


def address_questions(exchange: Exchange) -> Iterator[Question]:
    """What to ask about each exchanger besides the records that are wanted."""
    for host in exchange.exchangers.values():
        yield Question(host.fqdn, "A")
        yield Question(host.fqdn, "AAAA")
        for address in _addresses(host):
            yield Question(reverse_name(address), "PTR")


def reverse_name(address: str) -> str:
    """The name under which an address is looked up (RFC 1035, 3.5; RFC 3596, 2.5)."""
    return from_address(address).to_text(omit_final_dot=True)


def _addresses(host: Exchanger) -> list[str]:
    return [str(address) for address in (host.address, host.address6) if address]


def judge_host(host: Exchanger, answers: Answers) -> Iterator[Problem]:
    """What is wrong with an exchanger's name and its way back from the address (forward-confirmed PTR)."""
    forward = [answers[Question(host.fqdn, kind)] for kind in ("A", "AAAA")]
    if any(answer.values and answer.name != host.fqdn for answer in forward):
        says = "is an alias (CNAME), and an MX record must not lead to one (RFC 2181, 10.3)"
        yield Problem(host.fqdn, "CNAME", says, f"replace the alias by the addresses of {host.fqdn}")
    if forward[1].values and host.address6 is None:
        says = "exists, and the inventory has no address6: senders with IPv6 may find nobody there"
        yield Problem(host.fqdn, "AAAA", says, "remove it, or set address6", found=forward[1].values)
    known = {value for answer in forward for value in answer.values}
    for address in _addresses(host):
        reverse = reverse_name(address)
        yield from _reverse_problems(host.fqdn, address, answers[Question(reverse, "PTR")], known)


def _reverse_problems(fqdn: str, address: str, answer: Answer, known: set[str]) -> Iterator[Problem]:
    name, ask_owner = reverse_name(address), f"ask who gave you {address} for a PTR record that says {fqdn}."
    named = {value.rstrip(".").lower() for value in answer.values}
    if answer.state == "silent":
        return
    if broken := _broken(answer):
        yield Problem(name, "PTR", broken, ask_owner)
    elif not named:
        says = f"does not exist: many providers refuse mail from {address}, an address without a name"
        yield Problem(name, "PTR", says, ask_owner, (f"{fqdn}.",))
    elif named != {fqdn}:
        says = f"does not name {fqdn} alone: receivers compare it with the name in HELO"
        yield Problem(name, "PTR", says, ask_owner, (f"{fqdn}.",), answer.values)
    elif address not in known:
        says = f"names {fqdn}, which does not lead back to {address}: receivers hold the name for forged"
        yield Problem(name, "PTR", says, APPLY, (f"{fqdn}.",), answer.values)
