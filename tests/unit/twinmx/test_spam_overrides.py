"""Orders about engines: made by `mxctl engine`, in force from the next message on, ended by themselves."""

import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.unit.twinmx.forwarder_settings import SETTINGS
from tests.unit.twinmx.spamming import CONTEXT, MESSAGE, Bench, Held, answers, said
from twinmx.mxctl.main import app
from twinmx.spam.overrides import Override, change, read

Mxctl = Callable[..., Result]


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return tmp_path / "engines.json"


@pytest.fixture
async def bench(orders: Path) -> AsyncIterator[Bench]:
    bench = Bench(orders)
    bench.make(Held(answers, "rspamd"), Held(answers, "spamassassin"))
    yield bench
    assert bench.chain
    await bench.chain.close()


async def scan(bench: Bench) -> str:
    assert bench.chain
    return said(await bench.chain.scan(MESSAGE, CONTEXT))


@pytest.fixture
def mxctl(orders: Path, tmp_path: Path) -> Mxctl:
    settings = tmp_path / "forwarder.toml"
    mark = "max_scan_bytes = 1048576\n"
    assert mark in SETTINGS
    settings.write_text(SETTINGS.replace(mark, f'{mark}overrides = "{orders}"\n'))

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["engine", "--settings", str(settings), *words])

    return run


async def test_a_skipped_engine_is_not_asked_from_the_next_message_on(mxctl: Mxctl, bench: Bench) -> None:
    assert await scan(bench) == "rspamd"
    assert mxctl("skip", "rspamd", "--for", "30m").exit_code == 0
    assert await scan(bench) == "spamassassin"
    assert mxctl("clear", "rspamd").exit_code == 0
    assert await scan(bench) == "rspamd"


async def test_an_engine_in_use_is_asked_first_and_the_others_follow(mxctl: Mxctl, bench: Bench) -> None:
    assert mxctl("use", "spamassassin", "--for", "1h").exit_code == 0
    assert await scan(bench) == "spamassassin"
    assert mxctl("use", "rspamd", "--for", "1h").exit_code == 0
    assert await scan(bench) == "rspamd"
    assert mxctl("skip", "rspamd", "--for", "1h").exit_code == 0
    assert await scan(bench) == "spamassassin"


async def test_an_order_ends_by_itself(bench: Bench, orders: Path) -> None:
    now = time.time()
    ends = now + 0.2
    change(orders, lambda made: made.update(rspamd=Override(act="skip", since=now, until=ends)))
    assert await scan(bench) == "spamassassin"
    while time.time() < ends:
        assert await scan(bench) in ("rspamd", "spamassassin")
    assert await scan(bench) == "rspamd"


async def test_what_was_ordered_before_the_start_holds(mxctl: Mxctl, orders: Path) -> None:
    mxctl("skip", "rspamd", "--for", "30m")
    bench = Bench(orders)
    bench.make(Held(answers, "rspamd"), Held(answers, "spamassassin"))
    assert await scan(bench) == "spamassassin"


async def test_all_skipped_is_unscanned_at_once(mxctl: Mxctl, bench: Bench) -> None:
    assert mxctl("skip", "rspamd", "--for", "30m").exit_code == 0
    assert mxctl("skip", "spamassassin", "--for", "30m", "--force").exit_code == 0
    assert await scan(bench) == "rspamd:skipped,spamassassin:skipped"
    assert bench.value("unscanned_total", reason="out") == 1


def test_the_last_engine_is_not_skipped_without_force(mxctl: Mxctl, orders: Path) -> None:
    mxctl("skip", "rspamd", "--for", "30m")
    refused = mxctl("skip", "spamassassin", "--for", "30m")
    assert refused.exit_code == 1
    assert "spamassassin is the last engine in use" in refused.output
    assert list(read(orders)) == ["rspamd"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"engines": {"rspamd": {"act": "kill", "since": 0, "until": 9e9}}}',
        b'{"engines": {"rspamd": {"act": "skip", "since": 0, "until": "NaN"}}}',
        b"\xff",
    ],
)
async def test_a_damaged_file_is_ignored_and_told(
    bench: Bench, orders: Path, mxctl: Mxctl, content: bytes
) -> None:
    _spoil(orders, content)
    assert await scan(bench) == "rspamd"
    assert bench.value("overrides_damaged") == 1
    assert mxctl("list").exit_code == 1
    assert mxctl("skip", "rspamd", "--for", "30m").exit_code == 0
    assert await scan(bench) == "spamassassin"
    assert bench.value("overrides_damaged") == 0


def _spoil(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def test_list_shows_order_end_and_reason(mxctl: Mxctl) -> None:
    mxctl("use", "spamassassin", "--for", "30m", "--reason", "rspamd is\x1b[2J odd")
    shown = mxctl("list").output.splitlines()
    assert shown[0].startswith("spamassassin: asked first until 20")
    assert shown[0].endswith(": rspamd is [2J odd")
    assert shown[1] == "rspamd: asked"


def test_programs_get_json(mxctl: Mxctl) -> None:
    mxctl("skip", "rspamd", "--for", "30m", "--reason", "upgrade")
    first, second = json.loads(mxctl("list", "--json").output)
    assert (first["engine"], first["order"]["act"], first["order"]["reason"]) == ("rspamd", "skip", "upgrade")
    assert 1790 < first["order"]["until"] - time.time() <= 1800
    assert second == {"engine": "spamassassin", "order": None}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("skip", "clamav", "--for", "30m"), "in use here: rspamd, spamassassin"),
        (("skip", "rspamd", "--for", "8d"), "at most 7d"),
        (("skip", "rspamd", "--for", "0s"), "more than 0s"),
        (("skip", "rspamd"), "--for"),
    ],
)
def test_what_makes_no_sense_is_refused(
    mxctl: Mxctl, orders: Path, words: tuple[str, ...], says: str
) -> None:
    refused = mxctl(*words)
    assert refused.exit_code == 2
    assert says in refused.output
    assert not orders.exists()


def test_the_workers_can_read_what_an_operator_s_umask_would_hide(mxctl: Mxctl, orders: Path) -> None:
    mxctl("skip", "rspamd", "--for", "30m")
    assert orders.stat().st_mode & 0o777 == 0o644
