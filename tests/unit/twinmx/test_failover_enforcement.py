"""What an agent leaves on its host for others: the lease, port 25, the audit, orders about engines."""

import json
import time
from pathlib import Path

import pytest

from tests.unit.twinmx.failover_settings import settings
from twinmx.failover import clock, engines, lease, port25
from twinmx.failover.acts import Act
from twinmx.failover.audit import Audit
from twinmx.spam.overrides import Override, change, read


def test_the_lease_file_ends_by_itself(tmp_path: Path) -> None:
    assert not lease.in_force(tmp_path)
    lease.write(tmp_path, clock.now() + 60)
    assert lease.in_force(tmp_path)
    assert json.loads((tmp_path / lease.FILE).read_text())["until"] == pytest.approx(time.time() + 60, abs=5)
    lease.write(tmp_path, clock.now() - 0.001)
    assert not lease.in_force(tmp_path)
    (tmp_path / lease.FILE).write_text("[]")
    assert not lease.in_force(tmp_path)
    lease.remove(tmp_path)
    lease.remove(tmp_path)
    assert not lease.in_force(tmp_path)


def test_the_rules_of_port_25_are_one_transaction_with_a_timeout() -> None:
    text = port25.rules(59.5, settings().exempt)

    assert text.startswith("destroy table inet twinmx_drain\ntable inet twinmx_drain {")
    assert "25 timeout 59500ms" in text
    assert "elements = { 127.0.0.1, 127.0.0.2 }" in text
    assert "set exempt6 { type ipv6_addr;  }" in text
    assert port25.rules(None, ()) == "destroy table inet twinmx_drain\n"


async def test_a_host_without_nft_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(port25.PortError, match="nft: No such file"):
        await port25.apply(None, ())


def test_acts_are_kept_in_a_bounded_file_and_over_restarts(tmp_path: Path) -> None:
    audit = Audit(tmp_path, max_bytes=2000)
    for number in range(100):
        audit.write([Act("drain", "mx1", f"cause {number}")])

    again = Audit(tmp_path)

    assert [act["cause"] for act in again.recent] == [f"cause {number}" for number in range(80, 100)]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2 * 2000 + 400


def test_a_half_written_line_of_the_audit_is_left_out(tmp_path: Path) -> None:
    Audit(tmp_path).write([Act("drain", "mx1", "canary")])
    with (tmp_path / "audit.jsonl").open("a") as file:
        file.write('{"at": 1, "na')

    assert [act["name"] for act in Audit(tmp_path).recent] == ["drain"]


def test_engines_are_left_out_for_a_time_and_operators_orders_stay(tmp_path: Path) -> None:
    path, known = tmp_path / "engines.json", ("rspamd", "spamassassin")
    until = clock.now() + 600
    engines.apply(path, {"rspamd": until}, known)
    order = read(path)["rspamd"]
    assert (order.act, order.by) == ("skip", "failover")
    assert order.until == pytest.approx(time.time() + 600, abs=5)

    written = path.stat().st_mtime_ns
    engines.apply(path, {"rspamd": until}, known)
    assert path.stat().st_mtime_ns == written, "each period would otherwise write the file again"

    mine = Override(act="use", since=0, until=time.time() + 60, by="ada")
    change(path, lambda orders: orders.update(spamassassin=mine))
    engines.apply(path, {"spamassassin": until}, known)
    assert read(path) == {"spamassassin": mine}
    assert engines.ordered_by_others(path) == {"spamassassin"}


def test_a_damaged_file_of_orders_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "engines.json").write_text("{")

    assert engines.ordered_by_others(tmp_path / "engines.json") == frozenset()
    engines.apply(tmp_path / "engines.json", {}, ("rspamd",))
    assert read(tmp_path / "engines.json") == {}
