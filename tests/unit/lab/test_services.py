from lab.probe import parse_verdict
from lab.services import in_order, missing_workers, parse

SHOWN = """Id=forwarder@2.service
LoadState=loaded
ActiveState=active
UnitFileState=static

Id=postfix.service
LoadState=loaded
ActiveState=failed
UnitFileState=enabled

Id=rspamd.service
LoadState=not-found
ActiveState=inactive
UnitFileState=

Id=forwarder@1.service
LoadState=loaded
ActiveState=active
UnitFileState=static
"""


def test_services_have_their_state() -> None:
    services = parse(SHOWN)

    assert [(service.name, service.active, service.enabled) for service in services] == [
        ("forwarder@2", "active", "static"),
        ("postfix", "failed", "enabled"),
        ("rspamd", "not-found", "-"),
        ("forwarder@1", "active", "static"),
    ]
    assert [service.is_active for service in services] == [True, False, False, True]


def test_workers_come_last_and_by_number() -> None:
    names = {"forwarder@10", "gate@2", "rspamd", "forwarder@2", "postfix", "gate@1"}

    assert in_order(names) == ["postfix", "rspamd", "forwarder@2", "forwarder@10", "gate@1", "gate@2"]


def test_a_host_without_any_worker_is_noticed() -> None:
    assert missing_workers(["postfix", "forwarder@3", "gate@1"]) == []
    assert missing_workers(["postfix", "forwarder", "gate@1"]) == ["forwarder"]
    assert missing_workers(["gateway"]) == ["gate", "forwarder"]


def test_a_verdict_is_read() -> None:
    verdict = parse_verdict("engine=rspamd; score=1.2; reject=15.0; seconds=0.031; symbols=A,B")

    assert verdict == {
        "engine": "rspamd",
        "score": "1.2",
        "reject": "15.0",
        "seconds": "0.031",
        "symbols": "A,B",
    }


def test_no_verdict_is_none() -> None:
    assert parse_verdict(None) == {}
    assert parse_verdict("nonsense") == {}
