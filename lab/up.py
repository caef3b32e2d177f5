"""Make the lab, and unmake it: one function for each command."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

from lab import dnssec, engine, handover, hosts, image, network, pki, secrets, ssh
from lab.command import run
from lab.errors import LabError
from lab.progress import note, step
from lab.settings import CERTIFIED, DATABASE, HOSTS, OUTSIDE, PAIRS, ROOT, STATE, LabHost, Pair

CONVERGE_SECONDS = 900


def pair_named(name: str) -> Pair:
    """The pair `name`; raises LabError naming those that exist."""
    if name not in PAIRS:
        raise LabError(f"{name!r} is no pair of the lab; allowed: {', '.join(PAIRS)}")
    return PAIRS[name]


def exchanger_named(pair: Pair, name: str) -> LabHost:
    """The exchanger of `pair` called `name` (mx1, mx2); raises LabError naming those that exist."""
    short = {host.fqdn.partition(".")[0]: host for host in pair.hosts}
    if name not in short:
        raise LabError(f"{name!r} is no exchanger of the pair {pair.name}; allowed: {', '.join(short)}")
    return short[name]


def _ensure_image() -> str:
    tag = image.current()
    if image.exists(tag):
        return tag
    with step(f"Debian image {tag} (a minute)"):
        image.build(tag)
    return tag


def prepare() -> str:
    """Have everything a container needs; returns the image's tag."""
    with step("Docker engine"):
        how = engine.ensure()
    note(how)
    tag = _ensure_image()
    with step("network, keys, secrets, certificates"):
        network.ensure()
        ssh.ensure(HOSTS)
        secrets.ensure()
        pki.ensure([host.fqdn for host in HOSTS], also=CERTIFIED)
        dnssec.ensure()
        handover.write(tag)
    return tag


def _start(chosen: list[LabHost], tag: str) -> None:
    with step(f"hosts {', '.join(host.alias for host in chosen)}"):
        done = {host.alias: hosts.start(host, tag) for host in chosen}
        with ThreadPoolExecutor() as pool:
            failed = dict(zip(chosen, pool.map(hosts.await_ready, chosen), strict=True))
    note(", ".join(f"{alias} {what}" for alias, what in done.items()))
    for host, units in failed.items():
        if units:
            note(f"{host.alias}: failed units: {', '.join(units)}")


def converge_outside() -> None:
    """Converge the outside host with pyinfra; raises LabError with the end of pyinfra's output."""
    with step("the outside world: DNS, resolver, sender, mailboxes"):
        run(
            [sys.executable, "-m", "pyinfra", "lab/outside/inventory.py", "lab/outside/deploy.py", "-y"],
            directory=ROOT,
            seconds=CONVERGE_SECONDS,
            way_out="when only a download failed: the same command again goes on from there",
        )


def up(pair: Pair) -> None:
    """Have the outside world and the exchangers of `pair` running; the exchangers are not converged."""
    tag = prepare()
    _start([OUTSIDE, *pair.hosts], tag)
    image.remove_others(tag, image.bootstrapped())
    converge_outside()


def database_up() -> None:
    """Have the host of the database run; it is converged with the exchangers, or by itself."""
    tag = prepare()
    _start([DATABASE], tag)


def database_down() -> None:
    """Remove the host of the database and nothing else."""
    with step("remove the database"):
        removed = hosts.remove([DATABASE])
    note(", ".join(removed) or "nothing was there")


def pair_down(pair: Pair) -> None:
    """Remove the exchangers of `pair` and nothing else."""
    with step(f"remove the pair {pair.name}"):
        removed = hosts.remove(pair.hosts)
    note(", ".join(removed) or "nothing was there")


def down() -> None:
    """Remove everything the lab has made; stops the engine if the lab started it for itself alone."""
    if engine.answers() or engine.PID.exists():
        with step("remove hosts, network, packages, image"):
            engine.ensure()
            hosts.remove()
            network.remove()
            image.remove_others()
        note(engine.stop_if_ours())
    shutil.rmtree(STATE, ignore_errors=True)
