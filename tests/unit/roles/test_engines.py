"""Rspamd and SpamAssassin: what the inventory and the secrets make of their files."""

from pathlib import PurePosixPath

from roles import rspamd, spamassassin
from roles.lib.managed import ManagedFile
from tests.unit.roles.exchanges import RSPAMD_PASSWORD, exchange, site
from tests.unit.roles.rendered import named, text


def test_rspamds_password_is_in_one_secret_file() -> None:
    files = rspamd.render_files(site())
    holding = [file for file in files if RSPAMD_PASSWORD in text(file)]

    assert [PurePosixPath(file.path).name for file in holding] == ["worker-controller.inc"]
    (controller,) = holding
    assert isinstance(controller, ManagedFile)
    assert (controller.secret, controller.mode) == (True, "0640")


def test_network_tests_switch_every_module_that_asks_the_internet() -> None:
    for wanted, said in ((True, "enabled = true;"), (False, "enabled = false;")):
        files = rspamd.render_files(site(exchange(spam={"network_tests": wanted})))
        for module in rspamd.INTERNET_MODULES:
            assert said in text(named(files, f"{module}.conf"))


def test_engines_run_under_the_caps_of_the_inventory() -> None:
    caps = {"cpu_percent": 70, "memory_megabytes": 300}
    of = exchange(spam={"rspamd": caps, "spamassassin": caps})

    for files in (rspamd.render_files(site(of)), spamassassin.render_files(site(of))):
        unit = text(named(files, "twinmx.conf")).splitlines()
        assert {"CPUQuota=70%", "MemoryMax=300M"} <= set(unit)


def test_spamassassin_looks_names_up_only_where_network_tests_are_wanted() -> None:
    with_network = spamassassin.render_files(site(exchange(spam={"network_tests": True})))
    without = spamassassin.render_files(site(exchange(spam={"network_tests": False})))

    assert "--local" not in text(named(with_network, "spamd"))
    assert "--local" in text(named(without, "spamd"))
    assert "skip_rbl_checks 1" in text(named(without, "local.cf"))


def test_one_rule_of_spamassassin_never_runs_longer_than_the_budget() -> None:
    of = exchange(spam={"spamassassin": {"budget_seconds": 2.5}})
    files = spamassassin.render_files(site(of))

    assert "time_limit 3" in text(named(files, "local.cf")).splitlines()
    assert "--timeout-child 5 " in text(named(files, "spamd"))
