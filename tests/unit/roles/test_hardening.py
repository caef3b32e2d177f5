"""The sandboxes of the units, as far as they can be judged without a host; tests/hosts scores them all."""

import shutil
import subprocess
from pathlib import Path

import pytest

from roles import canary, exporters, failover, forwarder, gate, queues, tlsrpt
from roles.lib import ports
from roles.lib.render import TEMPLATES
from roles.spamassassin import render_files as spamassassin_files
from tests.unit.roles.exchanges import DATABASE, exchange, site
from tests.unit.roles.rendered import named, text

INCLUDE = '{% include "lib/hardening.service.j2" %}'
SANDBOXED = sorted(
    path for path in TEMPLATES.rglob("*.j2") if INCLUDE in path.read_text() and path.parent.name != "lib"
)
WORST = 1.5
FOLLOWING = exchange(alias_source="postgresql", database=DATABASE)
REPORTING = exchange(tls={"certificate": "c", "key": "k", "reports": {"send": True}})
OWN = {
    "gate@.service": gate.render_files(site()),
    "forwarder@.service": forwarder.render_files(site()),
    "queues.service": queues.render_files(site()),
    "canary.service": canary.render_files(site()),
    "failover.service": failover.render_files(site()),
    "vitals.service": exporters.vitals_files(site()),
    "tlsrpt-collectd.service": tlsrpt.render_files(site(REPORTING)),
    "tlsrpt-reportd.service": tlsrpt.render_files(site(REPORTING)),
}


@pytest.mark.parametrize("unit", OWN)
def test_a_program_of_ours_is_little_exposed(unit: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("this machine has no systemd")
    file = tmp_path / unit.replace("@", "@1")
    file.write_text(text(named(OWN[unit], unit)))
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={WORST * 10:.0f}"]

    scored = subprocess.run([*command, file], capture_output=True, text=True, check=False)

    assert scored.returncode == 0, scored.stdout[-400:] + scored.stderr


def after_the_sandbox(template: Path) -> list[str]:
    """The lines of [Service] that follow the include, and so give something back."""
    return template.read_text().partition(INCLUDE)[2].partition("[Install]")[0].strip().splitlines()


@pytest.mark.parametrize("template", SANDBOXED, ids=lambda path: path.name)
def test_whatever_is_given_back_has_its_reason_above(template: Path) -> None:
    lines = after_the_sandbox(template)

    assert not lines or lines[0].startswith(("#", "{%")), lines[0]
    assert all(line for line in lines), "a reason would be torn from what it explains"


def test_the_sandbox_is_in_every_unit_of_ours() -> None:
    others = ("lib", "drill")  # what a drill breaks may be anything, and no host has it at other times
    ours = [path for path in TEMPLATES.rglob("*.service.j2") if path.parent.name not in others]

    assert len(ours) >= len(OWN)
    assert [path.name for path in ours if INCLUDE not in path.read_text()] == []


def test_spamd_may_listen_where_it_is_told_to() -> None:
    """A container engine lets everybody listen everywhere (ip_unprivileged_port_start=0), a host does not."""
    unit = text(named(spamassassin_files(site()), "spamd.service.d/twinmx.conf"))
    (bounding,) = [line for line in unit.splitlines() if line.startswith("CapabilityBoundingSet=CAP")]

    assert ports.SPAMD < 1024
    assert "CAP_NET_BIND_SERVICE" in bounding
