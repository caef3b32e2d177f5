"""Delivery reports (RFC 3461): what the forwarder passes on of a sender's wishes."""

import asyncio

import pytest

from tests.unit.twinmx.peers import Raw
from tests.unit.twinmx.world import MESSAGE, World


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("SUCCESS", None),
        ("SUCCESS,FAILURE", "FAILURE"),
        ("delay,success,failure", "delay,failure"),
        ("FAILURE,DELAY", "FAILURE,DELAY"),
        ("NEVER", "NEVER"),
    ],
)
async def test_no_report_of_success_is_asked_for(world: World, asked: str, kept: str | None) -> None:
    """It would name the mailbox to whoever asks."""
    await world.start()
    raw = await Raw.connect(world.server.port)
    for line in (
        "EHLO mx1",
        "MAIL FROM:<a@sender.example> RET=HDRS ENVID=e1",
        f"RCPT TO:<hello@alias.example> NOTIFY={asked} ORCPT=rfc822;hello@alias.example",
        "DATA",
    ):
        await raw.ask(line)
    port, said = await _dsn_server()
    world.pool._port = port  # aiosmtpd does not announce DSN
    assert (await raw.ask(MESSAGE.decode() + ".")).startswith("250")
    raw.close()
    words = said[-1].split()[1:]
    notify = [f"NOTIFY={kept}"] if kept else []
    assert words == ["TO:<hello@mailbox.example>", *notify, "ORCPT=rfc822;hello@alias.example"]
    assert said[0].endswith("RET=HDRS ENVID=e1")


async def _dsn_server() -> tuple[int, list[str]]:
    """A server that announces DSN and takes everything; what it is told of MAIL and RCPT."""
    said: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 rec\r\n")
        while line := (await reader.readuntil(b"\r\n")).decode().strip():
            if line.startswith(("MAIL", "RCPT")):
                said.append(line)
            if line == "DATA":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250-rec\r\n250 DSN\r\n" if line.startswith("EHLO") else b"250 ok\r\n")
            if line == "QUIT":
                break
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1], said
