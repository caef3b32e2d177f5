"""One message of the canary, now: the running canary takes it, and says so in its log."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.unit.twinmx.canaries import KEY, Aviary
from twinmx.canary import probe as module
from twinmx.canary.probe import Probed, arrived, probe
from twinmx.canary.settings import Settings
from twinmx.canary.token import Token

TOKEN = Token.new("mx1", "mx1", "ham")


@pytest.fixture
async def aviary(tmp_path: Path) -> AsyncIterator[Aviary]:
    aviary = Aviary(tmp_path)
    aviary.exchanger.offers_tls = False
    await aviary.start(interval_seconds=0.05)
    yield aviary
    await aviary.stop()


async def probed(aviary: Aviary, monkeypatch: pytest.MonkeyPatch, seconds: float = 10) -> Probed:
    """What a probe of the exchanger comes to, where the log is that of this process."""
    settings = Settings.model_validate(aviary._settings())
    with capture_logs() as logs:
        monkeypatch.setattr(
            module, "arrived", lambda token: any(line.get("id") == token.nonce for line in list(logs))
        )
        return await asyncio.to_thread(probe, settings, (KEY,), "127.0.0.1", aviary.smtp, seconds)


async def test_a_message_that_comes_back_is_seen(aviary: Aviary, monkeypatch: pytest.MonkeyPatch) -> None:
    done = await probed(aviary, monkeypatch)

    assert (done.accepted, done.arrived) == (True, True)
    assert "250 2.0.0 thanks" in aviary.exchanger.answers, "the canary's listener has taken it for its own"


async def test_a_message_that_is_taken_and_stays_away(
    aviary: Aviary, monkeypatch: pytest.MonkeyPatch
) -> None:
    aviary.exchanger.keeps = True

    done = await probed(aviary, monkeypatch, seconds=0)

    assert (done.accepted, done.arrived, done.said) == (True, False, "2.0.0 queued")


@pytest.mark.parametrize("at", ["rcpt", "ham"])
async def test_a_refusal_is_told_in_its_own_words(
    aviary: Aviary, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    setattr(aviary.exchanger, at, "451 4.3.0 not now")

    done = await probed(aviary, monkeypatch)

    assert (done.accepted, done.arrived, done.said) == (False, False, "451 4.3.0 not now")


async def test_a_port_that_nobody_listens_on(aviary: Aviary, monkeypatch: pytest.MonkeyPatch) -> None:
    aviary.exchanger.stop()

    done = await probed(aviary, monkeypatch)

    assert (done.accepted, done.arrived) == (False, False)
    assert "ConnectionRefused" in done.said


@pytest.mark.parametrize(
    ("log", "back"), [(f'{{"id": "{TOKEN.nonce}"}}', True), ("", False)], ids=["there", "not there"]
)
def test_the_arrival_is_looked_for_in_the_canary_s_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str, back: bool
) -> None:
    journalctl = tmp_path / "journalctl"
    journalctl.write_text(f"#!/bin/sh\nfor pattern; do :; done\necho '{log}' | grep -- \"$pattern\"\n")
    journalctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert arrived(TOKEN) is back
