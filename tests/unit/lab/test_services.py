from lab.probe import parse_verdict
from lab.services import parse

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


def test_services_come_in_order_with_their_state() -> None:
    services = parse(SHOWN)

    assert [(service.name, service.active, service.enabled) for service in services] == [
        ("postfix", "failed", "enabled"),
        ("rspamd", "not-found", "-"),
        ("forwarder@1", "active", "static"),
        ("forwarder@2", "active", "static"),
    ]
    assert [service.is_active for service in services] == [False, False, True, True]


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
