import json
from pathlib import Path

from lab import handover
from lab.hosts import labelled_arguments, spec_of
from lab.settings import CONTROLLER, HOSTS, OUTSIDE, SECOND, SUBMISSION_PORT, SUBNET


def test_hosts_share_no_name_address_or_route() -> None:
    for value in "name", "alias", "fqdn", "address":
        assert len({getattr(host, value) for host in HOSTS}) == len(HOSTS)
    routes = [host.route_port for host in HOSTS if host is not OUTSIDE]
    assert len({SUBMISSION_PORT, *routes}) == len(HOSTS)
    assert all(host.address in SUBNET and host.address != CONTROLLER for host in HOSTS)


def test_a_host_made_from_another_image_is_another_host() -> None:
    host = SECOND.hosts[0]

    assert spec_of(host, "image:1") == spec_of(host, "image:1")
    assert spec_of(host, "image:1") != spec_of(host, "image:2")


def test_vagrant_makes_the_hosts_that_the_lab_makes(tmp_path: Path) -> None:
    handover.write("image:1", tmp_path / "vagrant.json")

    written = json.loads((tmp_path / "vagrant.json").read_text())

    assert written["image"] == "image:1"
    for name, host in zip(("mx1", "mx2"), SECOND.hosts, strict=True):
        assert written["hosts"][name]["arguments"] == labelled_arguments(host, "image:1")
        assert written["hosts"][name]["container"] == host.name
