"""The lab's pager, told over HTTP as Alertmanager tells it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from lab.outside.pager import Pager


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    pager = Pager(("127.0.0.1", 0), tmp_path / "alerts.jsonl")
    thread = Thread(target=pager.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{pager.server_address[1]}/alerts"
    pager.shutdown()
    thread.join()
    pager.server_close()


def ask(url: str, method: str = "GET", body: bytes | None = None) -> list[dict[str, object]]:
    request = urllib.request.Request(url, data=body, method=method)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return [json.loads(line) for line in answer.read().splitlines()]


def test_what_it_is_told_is_kept_in_order(url: str) -> None:
    assert ask(url) == []

    for number in range(3):
        ask(url, "POST", json.dumps({"alerts": [number]}).encode())

    kept = ask(url)
    assert [one["told"] for one in kept] == [{"alerts": [0]}, {"alerts": [1]}, {"alerts": [2]}]
    assert {one["from"] for one in kept} == {"127.0.0.1"}


def test_it_forgets_when_asked(url: str) -> None:
    ask(url, "POST", b"{}")

    ask(url, "DELETE")

    assert ask(url) == []


@pytest.mark.parametrize(("place", "status"), [("", 400), ("/other", 404)])
def test_what_is_no_alert_is_refused_and_not_kept(url: str, place: str, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(url + place, "POST", b"{")

    assert refused.value.code == status
    assert ask(url) == []
