"""No secret shows in what an operator sees, not even where a program of ours or a host would tell it."""

import re
from typing import Any

import pytest

from inventory.masking import MASK
from inventory.secrets import load_secrets
from roles.valkey import exporter_password
from tests.plan.planning import INVENTORY, Planner, Ran
from tests.unit.inventory.files import spoil

RECEIVERS = """
monitors:
  receivers: {hook: {kind: webhook}}
  routes: {all: {receivers: [hook]}}
"""
HOOK = "https://pager.elsewhere.example/hook/0123456789"
MAIN = "/etc/postfix/main.cf"


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    """An exchange with a secret of each kind."""
    planner = Planner.in_folder(tmp_path_factory.mktemp("hidden"))
    facts, secrets = planner.files.facts, planner.files.secrets
    facts.write_text(facts.read_text() + RECEIVERS)
    secrets.write_text(secrets.read_text() + f"receivers: {{hook: {{secret: '{HOOK}'}}}}\n")
    spoil(secrets, "[staple-of-many-words]", '[staple-of-many-words, "staple with \'quotes\' \\" & ÿ"]')
    return planner


@pytest.fixture(scope="module")
def values(planner: Planner) -> list[str]:
    """Every secret of that exchange, the derived one and the lines of its private keys among them."""
    secrets = load_secrets(planner.files.source)
    keys = [
        line
        for file in planner.folder.glob("mx*.key")
        for line in file.read_text().splitlines()
        if not line.startswith("-----") and len(line) > 10
    ]
    assert keys
    return [*secrets.values, exporter_password(secrets), *keys]


def found(ran: Ran, values: list[str]) -> list[str]:
    """The secrets that show, whole or up to what needs a quote."""
    shown = ran.output + ran.told
    return [value for value in values if re.split("['\"]", value)[0].strip() in shown]


@pytest.mark.parametrize("options", [("--dry", "--diff", "-vvv"), ("--dry", "--diff", "-vvv", "--json")])
def test_no_secret_shows_in_the_most_talkative_plan(
    planner: Planner, values: list[str], options: tuple[str, ...]
) -> None:
    ran = planner.run(*options, "--limit", "exchangers")

    assert ran.status == 0, ran.told
    assert "myhostname = mx1.alias.example" in ran.told, "the differences are shown"
    assert found(ran, values) == []


def test_what_tells_secrets_in_every_way_tells_none(planner: Planner, values: list[str]) -> None:
    ran = planner.run("-y", "-vvv", "--limit", "exchangers", deploy="tests/plan/indiscreet.py")

    assert ran.status != 0
    for way in (
        "by the log",
        "on standard output",
        "on standard error",
        "in a list",
        "as a change",
        "by a name",
    ):
        assert f"told {way}" in ran.output + ran.told, "it was indeed told so"
    assert "told by an error" in ran.told
    assert (ran.output + ran.told).count(MASK) > 5 * len(values)
    assert found(ran, values) == []


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_secret_that_somebody_put_into_a_host_s_file_is_masked_in_its_difference(
    planner: Planner, values: list[str], options: tuple[str, ...]
) -> None:
    states: dict[str, Any] = planner.converged()
    states["mx1"]["files"][MAIN]["sha256"] = "0"

    ran = planner.twinmx(
        *("plan", INVENTORY, *options), states=states, files={MAIN: "\n".join(f"x = {v}" for v in values)}
    )

    assert MAIN in ran.output
    assert f"x = {MASK}" in ran.output
    assert found(ran, values) == []


def test_the_data_of_the_hosts_names_the_source_and_no_secret(planner: Planner, values: list[str]) -> None:
    ran = planner.run("--json", deploy="debug-inventory")

    assert str(planner.files.secrets) in ran.output
    assert found(ran, values) == []
