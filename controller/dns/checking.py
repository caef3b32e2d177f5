"""What the world sees of an exchange's DNS: each resolver is asked for everything."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from dns.asyncresolver import Resolver
from pydantic import BaseModel, ConfigDict, Field

from controller.dns.asking import Answer, Question, ask_all, resolver_at, system_resolver
from controller.dns.judging import (
    APPLY,
    Answers,
    Problem,
    address_questions,
    judge,
    judge_host,
    question_of,
)
from inventory.schema import Exchange
from roles.lib.records.keys import Keys
from roles.lib.records.wanted import Wanted
from roles.lib.records.whole import wanted_records
from roles.lib.records.zones import by_zone, zones_of

SYSTEM = "the system's resolver"

Resolvers = Mapping[str, Resolver]


class Finding(BaseModel):
    """One thing that is wrong, and who sees it so."""

    model_config = ConfigDict(extra="forbid")

    name: str
    type: str
    resolvers: list[str] = Field(description="Who says so; a new record is not seen by all at once.")
    problem: str = Field(description="A sentence that goes on after name and type.")
    mend: str
    wanted: list[str]
    found: list[str]


class Checked(BaseModel):
    """What `twinmx dns check --json` prints."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    inventory: str
    result: Literal["fine", "findings", "error"]
    records: int = Field(description="How many names and types were asked for.")
    resolvers: list[str]
    findings: list[Finding]
    errors: list[str] = Field(description="Resolvers that did not answer; what they would say is not known.")

    @property
    def status(self) -> int:
        """The exit status."""
        return {"fine": 0, "findings": 2, "error": 1}[self.result]


def resolvers_of(exchange: Exchange) -> dict[str, Resolver]:
    """Whom to ask, by name; dns.resolver.NoResolverConfiguration where there is nobody."""
    given = {str(address): resolver_at(str(address)) for address in exchange.dns.resolvers}
    return given or {SYSTEM: system_resolver()}


async def check(inventory: str, exchange: Exchange, keys: Keys, resolvers: Resolvers) -> Checked:
    """Ask all `resolvers` for every record of `exchange`, and for the way back from its addresses."""
    wanted = wanted_records(exchange, keys)
    questions = {*map(question_of, wanted), *address_questions(exchange)}
    said = await asyncio.gather(*(ask_all(resolver, questions) for resolver in resolvers.values()))
    answers = dict(zip(resolvers, said, strict=True))
    mends = _mends(inventory, exchange, wanted)
    seen: dict[Problem, list[str]] = {}
    for name, answered in answers.items():
        for problem in _problems(exchange, wanted, answered):
            mended = problem._replace(mend=mends.get(problem.name, problem.mend))
            seen.setdefault(mended if problem.mend == APPLY else problem, []).append(name)
    findings = [_finding(problem, names) for problem, names in seen.items()]
    errors = [error for name, answered in answers.items() for error in _silences(name, answered)]
    return Checked(
        inventory=inventory,
        result="error" if errors else "findings" if findings else "fine",
        records=len(questions),
        resolvers=list(resolvers),
        findings=findings,
        errors=errors,
    )


def _problems(exchange: Exchange, wanted: Iterable[Wanted], answers: Answers) -> Iterator[Problem]:
    for record in wanted:
        answer = answers[question_of(record)]
        if answer.state != "silent" and (problem := judge(record, answer)):
            yield problem
    for host in exchange.exchangers.values():
        yield from judge_host(host, answers)


def _mends(inventory: str, exchange: Exchange, wanted: Iterable[Wanted]) -> dict[str, str]:
    """Name → what sets its records."""
    ours, others = by_zone(wanted, zones_of(exchange) if exchange.dns.changes else [])
    found = {
        record.name: f"ask the owner of {record.name} to set it"
        if record.elsewhere
        else "set it at your DNS provider"
        for record in others
    }
    apply = f"twinmx dns apply {inventory}; who has asked before remembers the old for its TTL"
    return found | {record.name: apply for records in ours.values() for record in records}


def _silences(name: str, answers: Mapping[Question, Answer]) -> list[str]:
    silent = {question: answer for question, answer in answers.items() if answer.state == "silent"}
    if not silent:
        return []
    question, answer = next(iter(silent.items()))
    return [
        f"{name} did not answer {len(silent)} of {len(answers)} questions, as {question.name} "
        f"{question.kind}: {answer.detail}"
    ]


def _finding(problem: Problem, resolvers: list[str]) -> Finding:
    return Finding(
        name=problem.name,
        type=problem.kind,
        resolvers=resolvers,
        problem=problem.says,
        mend=problem.mend,
        wanted=list(problem.wanted),
        found=list(problem.found),
    )
