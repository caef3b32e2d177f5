"""While the password of the database is changed, an exchanger has the old and the new one."""

import ssl
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from twinmx.aliases.database.connection import log_in
from twinmx.aliases.database.settings import Server, Timing
from twinmx.program.credentials import CredentialError, load_password, load_passwords

SERVER = Server(
    host="db.alias.example", port=5432, name="aliases", user="exchanger", authority=Path("/nowhere/ca.pem")
)
TIMING = Timing(poll_seconds=1, connect_seconds=2, statement_seconds=3)


class Database:
    """Takes `password` and no other; `away`: what everybody gets instead."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.away: Exception | None = None
        self.shown: list[str] = []

    async def connect(self, *, password: str, user: str, **_: Any) -> str:
        self.shown.append(password)
        if self.away:
            raise self.away
        if password != self.password:
            raise asyncpg.InvalidPasswordError(f'password authentication failed for user "{user}"')
        return f"a connection by {password}"


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    database = Database("new")
    monkeypatch.setattr(asyncpg, "connect", database.connect)
    return database


async def connected(*passwords: str) -> Any:
    return await log_in(SERVER, TIMING, passwords, ssl.create_default_context())


@pytest.mark.parametrize("passwords", [["new"], ["new", "old"], ["old", "new"], ["older", "old", "new"]])
async def test_the_first_that_the_server_takes_is_used(database: Database, passwords: list[str]) -> None:
    assert await connected(*passwords) == "a connection by new"
    assert database.shown == passwords[: passwords.index("new") + 1]


async def test_where_it_takes_none_the_refusal_is_told(database: Database) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError, match="exchanger"):
        await connected("old", "older")


async def test_a_server_that_is_away_is_not_asked_again_by_another_password(database: Database) -> None:
    database.away = ConnectionRefusedError()

    with pytest.raises(ConnectionRefusedError):
        await connected("old", "new")

    assert database.shown == ["old"]


@pytest.fixture
def credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    return tmp_path / "database"


def test_a_credential_has_a_password_on_each_line(credential: Path) -> None:
    credential.write_text("new one\nold\n")

    assert load_passwords("database") == ("new one", "old")


@pytest.mark.parametrize("content", ["", "\n", "new\n\nold\n"])
def test_an_empty_line_is_no_password(credential: Path, content: str) -> None:
    credential.write_text(content)

    with pytest.raises(CredentialError, match="none of them empty"):
        load_passwords("database")


@pytest.mark.parametrize("content", ["", "\n", "new\nold\n"])
def test_a_password_that_shall_be_one_is_one_line(credential: Path, content: str) -> None:
    credential.write_text(content)

    with pytest.raises(CredentialError, match="must be one line"):
        load_password("database")
