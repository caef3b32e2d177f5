import subprocess
from pathlib import Path

from lab import ssh
from lab.settings import HOSTS, LAB


def asked(config: Path, name: str) -> dict[str, str]:
    """What OpenSSH itself makes of the file for the host `name`."""
    shown = subprocess.run(
        ["ssh", "-G", "-F", str(config), name], capture_output=True, text=True, check=True
    ).stdout
    return dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)


def test_a_host_is_reached_by_each_of_its_names(tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    ssh.ensure(HOSTS, tmp_path / "ssh", config)
    host = LAB.hosts[1]

    for name in host.alias, host.fqdn, str(host.address):
        options = asked(config, name)
        assert options["hostname"] == str(host.address)
        assert options["hostkeyalias"] == host.alias
        assert options["user"] == "root"
        assert options["identityfile"] == str(tmp_path / "ssh" / "id_ed25519")
        assert options["stricthostkeychecking"] in {"yes", "true"}


def test_keys_are_drawn_once_and_private(tmp_path: Path) -> None:
    config, directory = tmp_path / "ssh_config", tmp_path / "ssh"
    ssh.ensure(HOSTS, directory, config)
    files = [path for path in directory.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}

    ssh.ensure(HOSTS, directory, config)

    assert {path: path.read_bytes() for path in files} == before
    private = [directory / "id_ed25519", *directory.glob("*/ssh_host_ed25519_key")]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    assert len(private) == 1 + len(HOSTS)


def test_known_hosts_holds_each_host_s_own_key(tmp_path: Path) -> None:
    directory = tmp_path / "ssh"
    ssh.ensure(HOSTS, directory, tmp_path / "ssh_config")

    for host in HOSTS:
        public = (directory / host.alias / "ssh_host_ed25519_key.pub").read_text().strip()
        found = subprocess.run(
            ["ssh-keygen", "-F", str(host.address), "-f", str(directory / "known_hosts")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert public in found


def test_openssh_reads_the_keys(tmp_path: Path) -> None:
    directory = tmp_path / "ssh"
    ssh.ensure(HOSTS, directory, tmp_path / "ssh_config")

    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(directory / "id_ed25519")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    authorized = (directory / LAB.hosts[0].alias / "authorized_keys").read_text()
    assert derived.split()[:2] == authorized.split()[:2]
