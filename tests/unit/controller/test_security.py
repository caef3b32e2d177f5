"""The table of sockets, from what a host says to what stands in docs/security.md."""

import re
from pathlib import Path
from typing import Any

import pytest

from controller.pyinfra import ROOT
from controller.security.document import DOCUMENT, documented, table, write
from controller.security.purposes import UNKNOWN
from controller.security.sockets import Row, rows
from inventory.schema import Exchange
from tests.unit.roles.exchanges import MX1, MX2, exchange

PAIR = exchange(
    MX1 | {"peer_address": "10.0.0.11"},
    MX2 | {"peer_address": "10.0.0.12"},
    monitors={"clients": ["192.0.2.0/28"]},
)
MONITORS = {"prefix": {"addr": "192.0.2.0", "len": 28}}
OPERATORS = {"prefix": {"addr": "198.51.100.0", "len": 24}}


def rule(right: Any, *, source: Any = None, protocol: str = "tcp", verdict: str = "accept") -> dict[str, Any]:
    """As `nft -j` prints "ip saddr SOURCE tcp dport RIGHT accept"."""
    asked = [(protocol, "dport", right)] + ([("ip", "saddr", source)] if source else [])
    matches = [
        {
            "match": {
                "op": "==",
                "left": {"payload": {"protocol": protocol, "field": field}},
                "right": value,
            }
        }
        for protocol, field, value in asked
    ]
    return {"rule": {"family": "inet", "expr": [*matches, {verdict: None}]}}


RULES = [
    {"chain": {"name": "input", "policy": "drop"}},
    {"rule": {"expr": [{"match": {"left": {"meta": {"key": "iif"}}, "right": "lo"}}, {"accept": None}]}},
    rule(25),
    rule(22, source=OPERATORS),
    rule({"set": [20381, 20387, {"range": [20401, 20406]}]}, source="10.0.0.12"),
    rule(20468, source="10.0.0.12", protocol="th"),
    rule({"set": [{"range": [20401, 20406]}]}, source=MONITORS),
]


def found(
    *inet: tuple[str, str, str, str], unix: Any = (), rules: Any = RULES, of: Exchange = PAIR
) -> list[Row]:
    return rows({"inet": inet, "unix": list(unix), "rules": rules}, of, of.exchangers["mx1"])


def socket(path: str, access: list[str], directory: list[str]) -> dict[str, Any]:
    return {"path": path, "access": access, "directory": directory}


def test_a_port_of_the_world() -> None:
    expected = Row("tcp", "all addresses, 25", "root", "everyone", "mail (postfix)")

    assert found(("tcp", "0.0.0.0", "25", "root"), ("tcp", "::", "25", "root")) == [expected]


@pytest.mark.parametrize(
    ("transport", "address", "port", "at", "reached"),
    [
        ("tcp", "127.0.0.1", "20381", "loopback 20381", "this host"),
        ("tcp", "10.0.0.11", "20381", "peer link 20381", "peers"),
        ("tcp", "10.0.0.11", "20401", "peer link 20400 + N", "peers, monitors"),
        ("tcp", "10.0.0.11", "20406", "peer link 20400 + N", "peers, monitors"),
        ("udp", "10.0.0.11", "20468", "peer link 20468", "peers"),
        ("tcp", "10.0.0.11", "20463", "peer link 20463", "nobody"),
        ("tcp", "*", "22", "all addresses, access.ssh_port", "operators"),
    ],
)
def test_where_it_is_and_who_gets_there(
    transport: str, address: str, port: str, at: str, reached: str
) -> None:
    (row,) = found((transport, address, port, "twinmx"))

    assert (row.at, row.reached) == (at, reached)
    assert row.purpose != UNKNOWN


def test_a_worker_too_many_is_unknown() -> None:
    (row,) = found(("tcp", "10.0.0.11", "20407", "twinmx"))

    assert row.purpose == UNKNOWN


def test_a_network_of_nobody_s_is_shown_as_it_is() -> None:
    (row,) = found(("tcp", "10.0.0.11", "20381", "twinmx"), rules=[rule(20381, source="203.0.113.9")])

    assert row.reached == "203.0.113.9/32"


def test_a_rule_that_does_not_accept_lets_nobody_in() -> None:
    (row,) = found(("tcp", "10.0.0.11", "20381", "twinmx"), rules=[rule(20381, verdict="drop")])

    assert row.reached == "nobody"


def test_questions_under_way_do_not_listen() -> None:
    assert found(("udp", "0.0.0.0", "5301", "unbound")) == []
    assert found(("udp", "127.0.0.1", "53", "unbound")) != []
    assert found(("udp", "0.0.0.0", "40123", "_rspamd"), ("tcp", "127.0.0.11", "38000", "root")) == []


@pytest.mark.parametrize(
    ("access", "reached"),
    [
        (["0600", "_rspamd", "_rspamd"], "_rspamd, root"),
        (["0660", "_rspamd", "_rspamd"], "_rspamd, group _rspamd, root"),
        (["0666", "root", "root"], "this host"),
    ],
)
def test_the_mode_of_a_unix_socket_says_who_gets_there(access: list[str], reached: str) -> None:
    (row,) = found(unix=[socket("/run/rspamd/scan.sock", access, ["0755", "_rspamd", "_rspamd"])])

    assert row.reached == reached


def test_the_sockets_of_postfix_are_guarded_by_their_directory() -> None:
    private = ["0700", "postfix", "root"]
    (row,) = found(
        unix=[
            socket(f"/var/spool/postfix/private/{name}", ["0666", "postfix", "postfix"], private)
            for name in ("bounce", "rewrite")
        ]
    )

    assert (row.at, row.reached) == ("/var/spool/postfix/private/*", "postfix, root")


def test_what_systemd_listens_on_for_itself_is_left_out() -> None:
    assert (
        found(unix=[socket("/run/systemd/notify", ["0777", "root", "root"], ["0755", "root", "root"])]) == []
    )


def test_only_the_table_of_the_document_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "security.md"
    document.write_text("before\n<!-- sockets -->\nold\n<!-- /sockets -->\nafter\n")
    new = found(("tcp", "0.0.0.0", "25", "root"))

    write(new, document)

    assert documented(document) == table(new)
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("<!-- /sockets -->\nafter\n")
    assert "old" not in text


def test_no_documented_socket_is_unknown() -> None:
    lines = documented().splitlines()

    assert len(lines) > 20
    assert not [line for line in lines if line.endswith(f"| {UNKNOWN} |")]


TEST = re.compile(r"`(tests/[a-z_/]+\.py)(?:::(test_\w+))?`")
PROOFS = sorted(set(TEST.findall(DOCUMENT.read_text())))


@pytest.mark.parametrize(("file", "name"), PROOFS, ids=lambda part: part)
def test_each_test_that_the_threat_model_names_is_there(file: str, name: str) -> None:
    assert f"def {name}" in (ROOT / file).read_text()


def test_each_line_of_the_threat_model_names_a_test() -> None:
    model = DOCUMENT.read_text().partition("## Who may talk to what")[2].partition("\n## ")[0]
    lines = [line for line in model.splitlines() if line.startswith("|")][2:]

    assert len(lines) > 10
    assert [line for line in lines if not TEST.search(line)] == []
