from bench.fleet.ansible import Recap, recap_of
from bench.fleet.figures import Pair, per_host, verdicts
from bench.fleet.playbook import tasks
from bench.fleet.sight import seen_by_ansible, seen_by_twinmx
from bench.fleet.work import Work
from bench.noop import Sample
from roles.lib.changes import FileChange, ServiceChange
from roles.lib.managed import Managed, ManagedFile
from roles.lib.telling import Account, Place, Step
from roles.lib.wanted import Wanted

SAID = """\
TASK [/etc/hostname] ***********************************************************
changed: [mx1]

PLAY RECAP *********************************************************************
mx1                        : ok=3    changed=1    unreachable=0    failed=0    skipped=2 rescued=0 ignored=0
mx10.fleet.example         : ok=0    changed=0    unreachable=1    failed=0    skipped=0 rescued=0 ignored=0
"""


def work(*files: Managed, active: str = "a.service") -> Work:
    return Work.of(Wanted({file.path: file for file in files}, active={active}, at_boot={"b.timer"}))


def test_the_recap_tells_what_became_of_each_host() -> None:
    assert recap_of(SAID) == {
        "mx1": Recap(ok=3, changed=1, unreachable=0, failed=0, skipped=2),
        "mx10.fleet.example": Recap(ok=0, changed=0, unreachable=1, failed=0, skipped=0),
    }
    assert recap_of("ERROR! the playbook could not be found") == {}


def test_hosts_that_differ_in_content_alone_share_a_task() -> None:
    found = tasks({"mx1": work(ManagedFile("/etc/x", "one")), "mx2": work(ManagedFile("/etc/x", "two"))})

    assert [task["name"] for task in found] == ["packages", "/etc/x", "a.service", "b.timer"]
    assert not any("when" in task for task in found)


def test_hosts_that_differ_otherwise_have_a_task_each() -> None:
    open_, closed = ManagedFile("/etc/x", "one"), ManagedFile("/etc/x", "one", mode="0600", secret=True)

    found = tasks({"mx1": work(open_), "mx2": work(closed, active="c.service"), "mx3": work(closed)})

    files = [task for task in found if task["name"] == "/etc/x"]
    assert [(task["ansible.builtin.copy"]["mode"], task.get("no_log"), task["when"]) for task in files] == [
        ("0644", None, "inventory_hostname in ['mx1']"),
        ("0600", True, "inventory_hostname in ['mx2', 'mx3']"),
    ]
    assert {task["name"]: task.get("when") for task in found if "service" in task["name"]} == {
        "a.service": "inventory_hostname in ['mx1', 'mx3']",
        "c.service": "inventory_hostname in ['mx2']",
    }


def test_a_unit_is_started_or_enabled_as_the_roles_want_it() -> None:
    units = {task["name"]: task["ansible.builtin.systemd_service"] for task in tasks({"mx1": work()})[1:]}

    assert units == {
        "a.service": {"name": "a.service", "state": "started"},
        "b.timer": {"name": "b.timer", "enabled": True},
    }


def pair(hosts: int, *, times: float, cpu: float) -> Pair:
    seconds = 1.0 + hosts
    ours = Sample(seconds, 1.5 + cpu * hosts, 60 * hosts)
    return Pair(ours, Sample(times * seconds, 20.0 * hosts, 130 * hosts))


def test_goals_are_judged_at_every_number_of_hosts() -> None:
    measured = {
        1: [pair(1, times=20, cpu=0.2), pair(1, times=22, cpu=0.3)],
        8: [pair(8, times=14, cpu=0.2), pair(8, times=14.5, cpu=0.3)],
    }

    assert verdicts(measured) == [
        "1 host: Ansible / twinmx 21.00 (20.00…22.00); goal 15 or more: met",
        "8 hosts: Ansible / twinmx 14.25 (14.00…14.50); goal 15 or more: MISSED",
        "controller CPU of a further host: 0.25 (0.20…0.30) s; goal 0.3 s or less: met",
    ]


def test_one_number_of_hosts_says_nothing_about_a_further_one() -> None:
    assert per_host({2: [pair(2, times=20, cpu=0.2)]}, lambda both: both.twinmx.cpu) is None


def test_what_ansible_would_change_is_read_from_its_output() -> None:
    said = """\
TASK [no /etc/ssh/sshd_config.d/00-twinmx.conf] ********************************
changed: [mx1]
TASK [/etc/hosts] **************************************************************
ok: [mx1]
TASK [drift.timer] *************************************************************
changed: [mx1]
"""
    assert seen_by_ansible(said) == {"/etc/ssh/sshd_config.d/00-twinmx.conf", "drift.timer"}


def test_a_restart_for_the_sake_of_a_file_is_no_finding_of_its_own() -> None:
    told = [
        FileChange(path="/etc/x", action="change"),
        ServiceChange(name="a", action="restart", units=("a.service",), reasons=("/etc/x",)),
        ServiceChange(name="drift", action="start", units=("drift.timer",), reasons=("it is inactive",)),
    ]
    steps = [Step(operation="", what=what) for what in told]
    account = Account(places={"mx1": Place(pyinfra="mx1", failed=False, errors=[], steps=steps)})

    assert seen_by_twinmx(account, "mx1", {"/etc/x": "", "drift.timer": ""}) == {"/etc/x", "drift.timer"}
