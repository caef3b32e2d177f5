"""Ask a resolver, as a sender's mail server would."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import dns.exception
import dns.flags
import dns.rdatatype
import dns.resolver
from dns.asyncresolver import Resolver

LIFETIME_SECONDS = 5.0
AT_ONCE = 16  # questions to one resolver; public ones limit the rate


@dataclass(frozen=True, order=True)
class Question:
    """A name, without the dot at the end, and a type."""

    name: str
    kind: str


@dataclass(frozen=True)
class Answer:
    """What a resolver said.

    state: "broken" where it could not find out, and says so; "silent" where it did not answer itself.
    values: as in a zone file; none where there is no such record. name: the last one, where aliases lead on.
    signed: the resolver has validated it (DNSSEC). detail: why it is broken or silent.
    """

    state: Literal["answered", "broken", "silent"] = "answered"
    values: tuple[str, ...] = ()
    name: str = ""
    signed: bool = False
    detail: str = ""


def resolver_at(address: str, port: int = 53, lifetime: float = LIFETIME_SECONDS) -> Resolver:
    """The resolver at an address; `lifetime` in seconds is the longest wait for an answer."""
    found = Resolver(configure=False)
    found.nameservers, found.port = [address], port
    return _prepared(found, lifetime)


def system_resolver(lifetime: float = LIFETIME_SECONDS) -> Resolver:
    """The one this machine uses; dns.resolver.NoResolverConfiguration where there is none."""
    return _prepared(Resolver(), lifetime)


def _prepared(found: Resolver, lifetime: float) -> Resolver:
    found.lifetime = lifetime
    found.cache = None
    found.use_edns(0, 0, 1232)
    found.flags = dns.flags.RD | dns.flags.AD  # AD: say whether you have validated it (RFC 6840, 5.7)
    return found


async def ask_all(resolver: Resolver, questions: Collection[Question]) -> dict[Question, Answer]:
    """The answers of one resolver."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(question: Question) -> Answer:
        async with slots:
            return await ask(resolver, question)

    asked = sorted(set(questions))
    return dict(zip(asked, await asyncio.gather(*map(one, asked)), strict=True))


async def ask(resolver: Resolver, question: Question) -> Answer:
    """The answer to one question; no error is raised for what a resolver may say."""
    try:
        found = await resolver.resolve(f"{question.name}.", question.kind, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return Answer(name=question.name)
    except dns.resolver.NoNameservers as error:
        return _refused(error)
    except (dns.exception.DNSException, OSError) as error:
        return Answer("silent", detail=str(error))
    return Answer(
        values=tuple(sorted(value.to_text() for value in found.rrset or ())),
        name=found.canonical_name.to_text(omit_final_dot=True).lower(),
        signed=bool(found.response.flags & dns.flags.AD),
    )


def _refused(error: dns.resolver.NoNameservers) -> Answer:
    """A resolver that answered with an error is not one that is away."""
    tries = error.kwargs.get("errors", [])
    said = [str(reason) for *_, reason, response in tries if response is not None]
    return Answer("broken", detail=said[-1]) if said else Answer("silent", detail=str(error))
