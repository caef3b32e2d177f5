"""The mailbox provider with habits, as Postfix asks it."""

import asyncio

import pytest

from lab.outside import habits
from lab.outside.habits import GO_ON, GREYLIST_SECONDS, PUT_OFF, SLOW_SECONDS, Habits


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_greylisted_recipient_is_put_off_for_a_while_for_each_sender() -> None:
    clock = Clock()
    provider = Habits("a@,b@", "@slow.example", clock)

    assert provider.answer("one@x", "a@mailbox.example") == (0.0, PUT_OFF)
    clock.now = GREYLIST_SECONDS
    assert provider.answer("one@x", "a@mailbox.example") == (0.0, GO_ON)
    assert provider.answer("two@x", "a@mailbox.example") == (0.0, PUT_OFF)


def test_others_are_taken_and_some_slowly() -> None:
    provider = Habits("a@", "@slow.example")

    assert provider.answer("one@x", "c@mailbox.example") == (0.0, GO_ON)
    assert provider.answer("one@x", "c@slow.example") == (SLOW_SECONDS, GO_ON)


async def test_it_answers_each_question_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(habits, "SLOW_SECONDS", 0.01)
    server = await asyncio.start_server(Habits("a@", "@slow.example").serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())

    for recipient in ("a@mailbox.example", "c@slow.example"):
        writer.write(f"request=smtpd_access_policy\nsender=one@x\nrecipient={recipient}\n\n".encode())
    answers = [(await reader.readuntil(b"\n\n")).decode().strip() for _ in range(2)]
    writer.close()
    server.close()

    assert answers == [f"action={PUT_OFF}", f"action={GO_ON}"]
