"""The question of July 2021: one connection, made when it is needed, and again after it has failed."""

from pathlib import Path
from typing import Any

import pytest

from twinmx.aliases.database.settings import Server, Timing
from twinmx.forwarder import question
from twinmx.forwarder.settings import Question as Settings


class Connection:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.closed = False

    async def execute(self, statement: str) -> None:
        self.asked.append(statement)

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """Every connection that was made."""
    connections: list[Connection] = []

    async def log_in(*_: Any) -> Connection:
        connections.append(Connection())
        return connections[-1]

    monkeypatch.setattr(question, "verified", lambda _: None)
    monkeypatch.setattr(question, "log_in", log_in)
    return connections


@pytest.fixture
def asker(made: list[Connection]) -> question.Question:
    server = Server(
        host="db.alias.example", port=5432, name="aliases", user="exchanger", authority=Path("ca.pem")
    )
    timing = Timing(poll_seconds=5, connect_seconds=10, statement_seconds=300)
    return question.Question(Settings(database=server, timing=timing), ["secret"])


async def test_one_connection_serves_until_it_has_failed(
    made: list[Connection], asker: question.Question
) -> None:
    await asker.ask()
    await asker.ask()
    made[0].closed = True
    await asker.ask()

    assert [one.asked for one in made] == [[question.QUESTION] * 2, [question.QUESTION]]


async def test_it_lets_go_at_the_end(made: list[Connection], asker: question.Question) -> None:
    asker.close()
    assert made == []

    await asker.ask()
    asker.close()

    assert made[0].closed
