"""Every alert, played to `promtool test rules`: when it fires, what it says, when it clears.

promtool comes with Prometheus. Where this machine has none, an exchanger of the lab lends its own: the
files go to a directory that is removed again, and nothing else on the host is touched.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from inventory.load import load_exchange
from lab import ssh
from lab.settings import LAB
from roles.lib.alerts import groups
from roles.lib.alerts.rule import RUNBOOKS, rule_file
from tests.alerts.cases import CASES, QUIET
from tests.alerts.frozen import THAWED
from tests.alerts.played import ALERTS, EXCHANGE, ONSET, PERIOD, always, lives_of

ROOT = Path(__file__).parent.parent.parent
LENDER = LAB.hosts[0].alias
BORROWED = (
    """d=$(mktemp -d) && cd "$d" && tar -x && promtool {arguments}; status=$?; rm -r "$d"; exit $status"""
)


def promtool(folder: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `promtool` with `arguments` in `folder`; skips the test where there is none."""
    if shutil.which("promtool"):
        return subprocess.run(
            f"promtool {arguments}", shell=True, cwd=folder, capture_output=True, text=True, check=False
        )
    reach = ["ssh", "-F", str(ssh.CONFIG), "-o", "ConnectTimeout=5", LENDER]
    if not ssh.CONFIG.exists() or subprocess.run([*reach, "command -v promtool"], check=False).returncode:
        pytest.skip("neither this machine nor a host of the lab has promtool")
    packed = subprocess.run(["tar", "-c", "."], cwd=folder, capture_output=True, check=True).stdout
    done = subprocess.run(
        [*reach, BORROWED.format(arguments=arguments)], input=packed, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def rules() -> str:
    return yaml.safe_dump(rule_file(groups(EXCHANGE), EXCHANGE.monitors), sort_keys=False)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What promtool says of all cases; one run, since each starts with the whole of Prometheus."""
    folder = tmp_path_factory.mktemp("rules")
    cases = [one for name, found in CASES.items() for case in found for one in lives_of(ALERTS[name], case)]
    tests = [*cases, *QUIET, *THAWED, always(ALERTS["Watchdog"])]
    (folder / "rules.yml").write_text(rules())
    (folder / "tests.yml").write_text(
        yaml.safe_dump(
            {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": tests}, sort_keys=False
        )
    )
    done = promtool(folder, "test rules tests.yml")
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_after_its_periods_and_clears_after_its_own(played: str, name: str) -> None:
    told = [part for part in re.split("(?=alertname: )", played) if part.startswith(f"alertname: {name},")]

    assert not told, "\n".join(told)


def test_promtool_has_nothing_to_say(played: str) -> None:
    assert played.startswith("0\n"), played


def test_promtool_accepts_the_rules_of_every_inventory(tmp_path: Path) -> None:
    for name in ("exchange", "vagrant", "production"):
        exchange = load_exchange(ROOT / "inventory" / f"{name}.yml")
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(rule_file(groups(exchange), exchange.monitors)))

    done = promtool(tmp_path, "check rules exchange.yml vagrant.yml production.yml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_played() -> None:
    assert set(CASES) | {"Watchdog"} == set(ALERTS)


def test_each_alert_has_its_runbook_and_each_runbook_its_alert() -> None:
    titles = re.findall(r"^### (\w+)$", (ROOT / RUNBOOKS).read_text(), re.MULTILINE)

    assert sorted(titles) == sorted(ALERTS)
    assert {alert.runbook for alert in ALERTS.values()} == {f"{RUNBOOKS}#{name.lower()}" for name in titles}


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda alert: alert.name)
def test_each_alert_says_in_one_sentence_what_a_user_feels_and_where_to_look(alert: object) -> None:
    summary, cause = (str(getattr(alert, name)) for name in ("summary", "cause"))

    assert re.fullmatch(r"[A-Z{].*\.", summary)
    assert cause.endswith(".")
    assert summary != cause


def test_a_spell_begins_when_every_window_is_full() -> None:
    assert EXCHANGE.monitors.window_seconds < ONSET * PERIOD
