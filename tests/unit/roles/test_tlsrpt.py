"""Who reports on TLS, as whom, and that nothing does unless asked."""

import configparser

import pytest

from roles import postfix, tlsrpt
from roles.lib.site import Site
from tests.unit.roles.exchanges import exchange, site
from tests.unit.roles.rendered import named, parameters, text


def reporting(name: str = "mx1", **knobs: object) -> Site:
    reports = {"send": True, **knobs}
    return site(exchange(tls={"certificate": "c", "key": "k", "reports": reports}), name)


def settings(of: Site) -> configparser.ConfigParser:
    """The settings as tlsrpt-reporter reads them, with its own interpolation of %."""
    found = configparser.ConfigParser()
    found.read_string(text(named(tlsrpt.render_files(of), "tlsrpt.cfg")))
    return found


def out(of: Site) -> dict[str, str]:
    return parameters(text(named(postfix.render_out(of), "main.cf")))


def test_nobody_reports_unless_asked() -> None:
    assert tlsrpt.render_files(site()) == []
    assert not [name for name in out(site()) if "tlsrpt" in name]


def test_postfix_tells_on_the_socket_where_it_is_collected() -> None:
    told, collected = out(reporting()), settings(reporting())["tlsrpt_collectd"]

    assert told["smtp_tlsrpt_enable"] == "yes"
    assert told["smtp_tlsrpt_socket_name"] == collected["socketname"]
    unit = text(named(tlsrpt.render_files(reporting()), tlsrpt.COLLECTS))
    assert "Group=postfix" in unit
    assert collected["socketmode"] == "0660"


def test_it_reports_as_the_first_served_domain_and_its_postmaster() -> None:
    found = settings(reporting())["tlsrpt_reportd"]

    assert found["organization_name"] == "alias.example"
    assert found["contact_info"] == found["sender_address"] == "postmaster@alias.example"


def test_the_inventory_says_who_reports() -> None:
    found = settings(reporting(organization="100% Alias; #1", contact="tls@masked.example"))["tlsrpt_reportd"]

    assert found["organization_name"] == "100% Alias; #1"
    assert found["contact_info"] == found["sender_address"] == "tls@masked.example"


@pytest.mark.parametrize("name", ["mx1", "mx2"])
def test_each_exchanger_reports_under_its_own_name_and_by_the_port_that_signs(name: str) -> None:
    found = settings(reporting(name))["tlsrpt_reportd"]

    assert found["sendmail_script"].endswith(f" mail --host {name} --port 20388")
    assert f" https --host {name} " in found["http_script"]


def test_all_three_programs_speak_of_the_same_data() -> None:
    found = settings(reporting())

    assert found["tlsrpt_collectd"]["storage"] == found["tlsrpt_fetcher"]["storage"]
    assert found["tlsrpt_reportd"]["dbname"].startswith(f"{tlsrpt.STATE}/")
    for unit in tlsrpt.UNIT_FILES:
        said = text(named(tlsrpt.render_files(reporting()), unit)).splitlines()
        assert {"DynamicUser=yes", f"User={tlsrpt.USER}", "StateDirectory=tlsrpt"} <= set(said)


def test_a_datagram_that_is_none_does_not_end_the_collector() -> None:
    """0.6.0 ends where it has no place to put it."""
    assert settings(reporting())["tlsrpt_collectd"]["dump_path_for_invalid_datagram"].startswith(tlsrpt.STATE)
