"""Ask resolvers for a pair of DKIM keys, before anything is signed with it."""

import asyncio

import dns.resolver

from controller.dns.asking import ask_all
from controller.dns.checking import Resolvers, resolvers_of
from controller.dns.judging import judge, question_of
from controller.errors import ControllerError
from inventory.dkim import DkimPair
from inventory.schema import Exchange
from roles.lib.records.dkim import dkim
from roles.lib.records.keys import Keys, dkim_keys


def refuse_unpublished(exchange: Exchange, pair: DkimPair) -> None:
    """Raise ControllerError unless all of dns.resolvers find both keys of `pair` at each served domain."""
    try:
        told = asyncio.run(unpublished(exchange, pair, resolvers_of(exchange)))
    except dns.resolver.NoResolverConfiguration as error:
        told = str(error)
    if told:
        raise ControllerError(f"dkim_keys: {told}")


async def unpublished(exchange: Exchange, pair: DkimPair, resolvers: Resolvers) -> str:
    """What the first resolver that does not find the pair says of it; empty where all do."""
    wanted = list(dkim(exchange, Keys(dkim=dkim_keys([pair]))))
    for name, resolver in resolvers.items():
        answers = await ask_all(resolver, [question_of(record) for record in wanted])
        for record in wanted:
            answer = answers[question_of(record)]
            if answer.state == "silent":
                return f"{name} cannot be asked for {record.name}: {answer.detail}"
            if problem := judge(record, answer):
                return f"{record.name} {record.kind} {problem.says} ({name})"
    return ""
