"""A host that cannot become an exchanger is told so, and nothing is done to it."""

import pytest

from tests.plan.planning import Planner, Ran, bare

EXIM = 'LISTEN 0 20 0.0.0.0:25 0.0.0.0:* users:(("exim4",pid=812,fd=4))'


OBSTACLES = {
    "mx1": ({"os": "debian 12"}, "it runs debian 12: twinmx needs Debian 13 (trixie); reinstall or upgrade"),
    "mx2": ({"init": "tini"}, "its PID 1 is tini: boot the host, or the container, with systemd"),
    "mx3": ({"port_25": EXIM}, "port 25 is taken by something that is not Postfix: find it with `ss"),
    "mx4": ({"free_megabytes": "12"}, "/var has 12 MB free: the queues need 2000 MB; enlarge the disk"),
    "mx5": ({"machine": "aarch64"}, "it is a aarch64: the programs are built for x86_64; use an amd64 host"),
}


@pytest.fixture
def five(planner: Planner) -> Ran:
    """A converge of five hosts, each with an obstacle of its own."""
    planner.add_exchangers("mx3", "mx4", "mx5")
    states = {name: bare(**system) for name, (system, _) in OBSTACLES.items()}
    return planner.run("-y", "-vv", "--limit", "exchangers", states=states)


def test_each_host_is_told_what_to_do_and_is_left_alone(five: Ran) -> None:
    assert five.status != 0
    for name, (_, sentence) in OBSTACLES.items():
        assert f"{name} cannot become an exchanger: {sentence}" in five.told
        changing = [command for command in five.commands_on(name) if "python3 -c" not in command]
        assert len(changing) == 1, f"beside the sentence something was run on {name}"
        assert "exit 1" in changing[0]


def test_a_misspelt_name_in_a_template_stops_before_any_host_is_touched(planner: Planner) -> None:
    ran = planner.run("-y", "-vv", "--limit", "exchangers", deploy="tests/plan/misspelt.py")

    assert ran.status != 0
    assert "'fqnd' is undefined" in ran.told
    assert ran.commands == []


def test_a_bad_certificate_stops_before_any_host_is_touched(planner: Planner) -> None:
    (planner.folder / "mx2.alias.example.key").write_bytes(
        (planner.folder / "mx1.alias.example.key").read_bytes()
    )

    ran = planner.run("-y", "-vv", "--limit", "exchangers")

    assert ran.status != 0
    assert "mx2.alias.example.key is not the key of" in ran.told
    assert ran.commands == []


def test_a_misspelt_flag_stops_before_any_host_is_touched(planner: Planner) -> None:
    ran = planner.run("-y", "-vv", "--data", "primry=mx2")

    assert ran.status != 0
    assert "--data primry=mx2: no such flag. Did you mean primary?" in ran.told
    assert ran.commands == []
